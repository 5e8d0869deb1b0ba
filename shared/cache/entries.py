"""One entry of the cache: an answer, or one input's embedding, as JSON in `cache:{sha256_key}`.

Its first bytes are `{"at":…,"prompt":…,"completion":…,`: the scripts read when it was made and
its tokens from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Json, JsonObject, Millis


@dataclass(frozen=True, slots=True)
class Entry:
    """What was kept: a whole answer, the events of a stream, or one embedding with its tokens."""

    body: JsonObject | None = None
    events: tuple[JsonObject, ...] = ()
    embedding: Json = None
    prompt_tokens: int = 0


def render(entry: Entry, at: Millis, prompt_tokens: int, completion_tokens: int) -> str:
    """Write an entry."""
    head = f'{{"at":{at},"prompt":{prompt_tokens},"completion":{completion_tokens},'
    content: JsonObject = {
        "body": entry.body,
        "events": list(entry.events),
        "embedding": entry.embedding,
    }
    told = {name: value for name, value in content.items() if value}
    return head + orjson.dumps(told).decode()[1:]


def parse(text: str) -> Entry | None:
    """Read an entry; None when it is none of ours."""
    try:
        found: Json = orjson.loads(text)
    except ValueError:
        return None
    match found:
        case {"body": dict(body)}:
            return Entry(body=body)
        case {"embedding": embedding, "prompt": int(tokens)} if embedding:
            return Entry(embedding=embedding, prompt_tokens=tokens)
        case {"events": list(events)} if all(isinstance(event, dict) for event in events):
            return Entry(events=tuple(cast("list[JsonObject]", events)))
        case _:
            return None


def parse_all(texts: Sequence[str]) -> list[Entry | None]:
    """Read several, in their order; an empty text is no entry."""
    return [parse(text) if text else None for text in texts]

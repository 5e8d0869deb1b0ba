"""Embeddings are kept input by input: ask only for those that are missing, then join them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.cache.keys import inputs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.cache.entries import Entry
    from shared.domain import Call, Json, JsonObject


def without_known(call: Call, known: Sequence[Entry | None]) -> Call:
    """Return the call for the inputs that have no entry."""
    missing = [item for item, entry in _paired(call, known) if entry is None]
    return replace(call, body={**call.body, "input": missing})


def joined(call: Call, known: Sequence[Entry | None], body: JsonObject) -> JsonObject:
    """Put what was asked for (`body`) and what was known in the order of the call's inputs."""
    fresh = iter(vectors_of(body))
    data: list[Json] = [
        _item(position, next(fresh, None) if entry is None else entry.embedding)
        for position, (_, entry) in enumerate(_paired(call, known))
    ]
    return {**body, "data": data}


def all_known(call: Call, known: Sequence[Entry | None]) -> JsonObject:
    """Build the answer to a call whose inputs are all known."""
    tokens = sum(entry.prompt_tokens for entry in known if entry is not None)
    body: JsonObject = {
        "object": "list",
        "data": [],
        "model": call.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return joined(call, known, body)


def vectors_of(body: JsonObject) -> list[Json]:
    """List the embeddings of an answer in the order of its inputs."""
    data = body.get("data")
    items = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    items.sort(key=lambda item: index if isinstance(index := item.get("index"), int) else 0)
    return [item.get("embedding") for item in items]


def _item(position: int, vector: Json) -> JsonObject:
    return {"object": "embedding", "index": position, "embedding": vector}


def _paired(call: Call, known: Sequence[Entry | None]) -> list[tuple[Json, Entry | None]]:
    items = inputs_of(call)
    return list(zip(items, [*known, *[None] * (len(items) - len(known))], strict=True))

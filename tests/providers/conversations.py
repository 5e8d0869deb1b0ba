"""Conversations of every kind that a chat has, and what they mean whoever writes them down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import strategies as st

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

PIXEL = "iVBORw0KGgo="
IMAGE: JsonObject = {
    "type": "image_url",
    "image_url": {"url": f"data:image/png;base64,{PIXEL}"},
}
TOOLS: list[Json] = [
    {
        "type": "function",
        "function": {"name": name, "parameters": {"type": "object", "properties": {}}},
    }
    for name in ("weather", "search")
]
Told = tuple[str, str, object]

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip()) and not text.strip().startswith(("{", "[", '"'))
)
parts = st.one_of(words.map(lambda said: {"type": "text", "text": said}), st.just(IMAGE))
contents: st.SearchStrategy[Any] = words | st.lists(parts, min_size=1, max_size=3)
arguments = st.dictionaries(words, words | st.integers(-9, 9) | st.booleans(), max_size=2)


@st.composite
def steps(draw: st.DrawFn, first_id: int) -> list[JsonObject]:
    """What an assistant says or calls, with the results of its calls."""
    calls: list[Json] = [
        {
            "id": f"call_{first_id}_{i}",
            "type": "function",
            "function": {"name": name, "arguments": orjson.dumps(draw(arguments)).decode()},
        }
        for i, name in enumerate(draw(st.sampled_from([[], ["weather"], ["weather", "search"]])))
    ]
    said = draw(words) if not calls or draw(st.booleans()) else None
    message: JsonObject = {"role": "assistant", "content": said}
    if not calls:
        return [message]
    results: list[JsonObject] = [
        {"role": "tool", "tool_call_id": f"call_{first_id}_{i}", "content": draw(words)}
        for i in range(len(calls))
    ]
    return [{**message, "tool_calls": calls}, *results]


@st.composite
def conversations(draw: st.DrawFn) -> list[JsonObject]:
    """System and developer messages, then turns; a user has the last word, or a tool."""
    roles = draw(st.lists(st.sampled_from(["system", "developer"]), max_size=2))
    messages: list[JsonObject] = [{"role": role, "content": draw(words)} for role in roles]
    for turn in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(contents)})
        if draw(st.booleans()):
            messages += draw(steps(turn))
    return [*messages, {"role": "user", "content": draw(words)}]


def meaning(messages: list[Any]) -> list[Told]:
    """Say what is told, by whom, in order; calls go by the order in which they were made."""
    order: dict[str, int] = {}
    told: list[Told] = []
    for message in messages:
        role = "system" if message["role"] == "developer" else str(message["role"])
        if role == "tool":
            called = order.get(str(message["tool_call_id"]), -1)
            told.append(("tool", str(called), result(message.get("content"))))
            continue
        told += [(role, *part) for part in _parts(message.get("content"))]
        for call in message.get("tool_calls") or []:
            function = call["function"]
            order[call["id"]] = len(order)
            told.append((role, function["name"], orjson.loads(function["arguments"])))
    return sorted(told, key=lambda item: item[0] != "system")


def result(content: Json) -> str:
    """Say what a tool gave; who only takes objects is given one with a `result`."""
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    try:
        found = orjson.loads(str(content))
    except orjson.JSONDecodeError:
        return str(content)
    return str(found["result"]) if isinstance(found, dict) else str(content)


def _parts(content: Any) -> list[tuple[str, object]]:  # noqa: ANN401 - any JSON
    if isinstance(content, str):
        return [("text", content)]
    found: list[tuple[str, object]] = []
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and part["type"] == "text":
            found.append(("text", part["text"]))
        elif isinstance(part, dict):
            found.append(("image", str(part["image_url"]["url"])))
    return found

"""Messages of a chat as turns of Anthropic's: content, tools' calls and results, thinking.

Shapes by platform.claude.com/docs/en/api/messages and the types of its Python SDK 2.12, read
2026-11. Images and documents are passed on as data or as URL; nothing is fetched here.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.unsupported import unfit

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject
    from shared.providers.unsupported import Unsupported

_DATA_URL: Final = re.compile(r"data:([\w.+/-]+)(?:;[\w=.-]+)*;base64,(.*)", re.DOTALL)
_NOT_IN_IDS: Final = re.compile(r"[^a-zA-Z0-9_-]")
_NATIVE: Final = frozenset({"image", "document", "search_result", "tool_reference"})


def turns(messages: Json, limits: Unsupported) -> tuple[list[JsonObject], list[JsonObject]]:
    """Split a conversation into its system blocks and its turns.

    Anthropic's models before 4.7 know no system turn within a conversation, so all system messages
    go to the top, in their order. What one side says in a row is one turn.
    """
    system: list[JsonObject] = []
    found: list[JsonObject] = []
    for message in mappings(messages):
        match message.get("role"):
            case "system" | "developer":
                system += _blocks(message, limits)
            case "assistant":
                _append(found, "assistant", _said(message, limits))
            case "tool" | "function":
                _append(found, "user", [_result(message, limits)])
            case _:
                _append(found, "user", _blocks(message, limits))
    return system, found


def _append(found: list[JsonObject], role: str, blocks: list[JsonObject]) -> None:
    if not blocks:
        return
    if found and found[-1]["role"] == role:
        last = found[-1]["content"]
        found[-1] = {"role": role, "content": [*(last if isinstance(last, list) else []), *blocks]}
    else:
        found.append({"role": role, "content": [*blocks]})


def _said(message: JsonObject, limits: Unsupported) -> list[JsonObject]:
    """Write an assistant's message: its signed thinking first, then text, then calls of tools."""
    thinking = [
        block
        for block in mappings(message.get("thinking_blocks"))
        if block.get("signature") or block.get("type") == "redacted_thinking"
    ]
    refusal = text(message.get("refusal"))
    spoken = _blocks(message, limits)
    if refusal and not spoken:
        spoken = [_text(refusal)]
    if message.get("function_call"):
        limits.refuse("function_call")
    return [*thinking, *spoken, *map(_use, mappings(message.get("tool_calls")))]


def _text(said: str) -> JsonObject:
    return {"type": "text", "text": said}


def _use(call: JsonObject) -> JsonObject:
    function = mapping(call.get("function"))
    arguments = text(function.get("arguments")).strip() or "{}"
    try:
        given: Json = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise unfit("messages.tool_calls.function.arguments", "must be a JSON object")
    return {
        "type": "tool_use",
        "id": tool_id(call.get("id")),
        "name": text(function.get("name")),
        "input": given,
        **_cached(call),
    }


def _result(message: JsonObject, limits: Unsupported) -> JsonObject:
    blocks = _blocks({**message, "cache_control": None}, limits)
    is_plain = len(blocks) == 1 and blocks[0].keys() == {"type", "text"}
    content: Json = blocks[0]["text"] if is_plain else [*blocks]
    return {
        "type": "tool_result",
        "tool_use_id": tool_id(message.get("tool_call_id", message.get("name"))),
        "content": content,
        **_cached(message),
    }


def tool_id(value: Json) -> str:
    """Write another vendor's id of a call with the characters Anthropic takes."""
    return _NOT_IN_IDS.sub("_", text(value)) or "_"


def _blocks(message: JsonObject, limits: Unsupported) -> list[JsonObject]:
    """Write a message's content; empty texts, which Anthropic refuses, are left out."""
    content = message.get("content")
    if isinstance(content, str):
        blocks = [_text(content)] if content else []
    else:
        blocks = [block for part in mappings(content) if (block := _block(part, limits))]
    if blocks and message.get("cache_control"):
        blocks[-1] = {**blocks[-1], **_cached(message)}
    return blocks


def _block(part: JsonObject, limits: Unsupported) -> JsonObject | None:
    kind = text(part.get("type"))
    match kind:
        case "text" | "input_text" | "output_text":
            said = text(part.get("text"))
            return {"type": "text", "text": said, **_cached(part)} if said else None
        case "refusal":
            said = text(part.get("refusal"))
            return _text(said) if said else None
        case "image_url":
            return {"type": "image", "source": _image(part), **_cached(part)}
        case "file":
            return _document(part)
        case _ if kind in _NATIVE:
            return part
        case _:
            limits.refuse("messages.content", f"content of type '{kind}'")
            return None


def _image(part: JsonObject) -> JsonObject:
    found = part.get("image_url")
    url = found if isinstance(found, str) else text(mapping(found).get("url"))
    if data := _DATA_URL.fullmatch(url):
        return {"type": "base64", "media_type": data[1], "data": data[2]}
    if url.startswith(("https://", "http://")):
        return {"type": "url", "url": url}
    raise unfit("messages.content.image_url", "must be a URL or a base64 data URL")


def _document(part: JsonObject) -> JsonObject:
    file = mapping(part.get("file"))
    name, held = text(file.get("file_id")), text(file.get("file_data"))
    if name.startswith(("https://", "http://")):
        source: JsonObject = {"type": "url", "url": name}
    elif name:
        source = {"type": "file", "file_id": name}
    else:
        data = _DATA_URL.fullmatch(held)
        source = _held(data[1], data[2]) if data else _held("application/pdf", held)
    title = file.get("filename")
    return without_nulls({"type": "document", "source": source, "title": title, **_cached(part)})


def _held(media_type: str, data: str) -> JsonObject:
    if not media_type.startswith("text/"):
        return {"type": "base64", "media_type": media_type, "data": data}
    try:
        plain = b64decode(data, validate=True).decode()
    except (NotBase64, UnicodeDecodeError):
        raise unfit("messages.content.file.file_data", "must be base64 of UTF-8 text") from None
    return {"type": "text", "media_type": "text/plain", "data": plain}


def _cached(holder: JsonObject) -> JsonObject:
    control = holder.get("cache_control")
    return {"cache_control": control} if isinstance(control, dict) else {}

"""Messages of a chat as Converse's, by docs.aws.amazon.com/bedrock (ContentBlock), read 2026-11.

Bedrock takes images, sound and documents as data or from S3; any other URL would have to be
fetched, which we do not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.unsupported import unfit

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject
    from shared.providers.unsupported import Unsupported

_DATA_URL: Final = re.compile(r"data:([\w.+/-]+)(?:;[\w=.-]+)*;base64,(.*)", re.DOTALL)
_NOT_IN_IDS: Final = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_ID: Final = 64
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9 ()\[\]-]+")
_FORMATS: Final = {"plain": "txt", "markdown": "md", "jpg": "jpeg"}


def conversation(messages: Json, limits: Unsupported) -> tuple[list[Json], list[JsonObject]]:
    """Split a chat into its system blocks and its messages; who speaks on goes on."""
    system: list[Json] = []
    found: list[JsonObject] = []
    for message in mappings(messages):
        match message.get("role"):
            case "system" | "developer":
                system += _blocks(message, limits)
            case "assistant":
                _append(found, "assistant", _said(message, limits))
            case "tool" | "function":
                _append(found, "user", [_result(message, limits), *_point(message)])
            case _:
                _append(found, "user", _blocks(message, limits))
    return system, found


def cache_point(holder: JsonObject) -> list[Json]:
    """Write the mark after what is to be cached."""
    return _point(holder)


def _point(holder: JsonObject) -> list[Json]:
    control = holder.get("cache_control")
    if not control:
        return []
    # By the shape CachePointBlock of botocore 1.44.5, read 2026-11: 5m, unless 1h is said.
    return [{"cachePoint": without_nulls({"type": "default", "ttl": mapping(control).get("ttl")})}]


def _append(found: list[JsonObject], role: str, blocks: list[Json]) -> None:
    if not blocks:
        return
    if found and found[-1]["role"] == role:
        found[-1] = {"role": role, "content": [*mappings(found[-1]["content"]), *blocks]}
    else:
        found.append({"role": role, "content": blocks})


def _said(message: JsonObject, limits: Unsupported) -> list[Json]:
    thinking = [_thought(block) for block in mappings(message.get("thinking_blocks"))]
    calls = [_use(call) for call in mappings(message.get("tool_calls"))]
    return [*filter(None, thinking), *_blocks(message, limits), *calls]


def _thought(block: JsonObject) -> JsonObject | None:
    if block.get("type") == "redacted_thinking":
        return {"reasoningContent": {"redactedContent": block.get("data")}}
    if not block.get("signature"):
        return None
    told: JsonObject = {"text": block.get("thinking"), "signature": block.get("signature")}
    return {"reasoningContent": {"reasoningText": told}}


def _use(call: JsonObject) -> JsonObject:
    function = mapping(call.get("function"))
    try:
        given: Json = orjson.loads(text(function.get("arguments")).strip() or "{}")
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise unfit("messages.tool_calls.function.arguments", "must be a JSON object")
    use: JsonObject = {
        "toolUseId": _id(call.get("id")),
        "name": function.get("name"),
        "input": given,
    }
    return {"toolUse": use}


def _result(message: JsonObject, limits: Unsupported) -> JsonObject:
    content = _blocks({**message, "cache_control": None}, limits) or [{"text": " "}]
    return {"toolResult": {"toolUseId": _id(message.get("tool_call_id")), "content": content}}


def _blocks(message: JsonObject, limits: Unsupported) -> list[Json]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"text": content}, *_point(message)] if content else []
    found: list[Json] = []
    for part in mappings(content):
        if block := _block(part, limits):
            found += [block, *_point(part)]
    return [*found, *_point(message)]


def _block(part: JsonObject, limits: Unsupported) -> JsonObject | None:
    kind = text(part.get("type"))
    match kind:
        case "text" | "input_text" | "output_text":
            said = text(part.get("text"))
            return {"text": said} if said else None
        case "image_url":
            found = part.get("image_url")
            url = found if isinstance(found, str) else text(mapping(found).get("url"))
            return {"image": _held(url, "messages.content.image_url")}
        case "input_audio":
            audio = mapping(part.get("input_audio"))
            sound: JsonObject = {"bytes": audio.get("data")}
            return {"audio": {"format": audio.get("format"), "source": sound}}
        case "file":
            file = mapping(part.get("file"))
            held = text(file.get("file_data")) or text(file.get("file_id"))
            name = _NOT_IN_NAMES.sub("-", text(file.get("filename")).rpartition(".")[0])
            found = _held(held, "messages.content.file")
            return {"document": {**found, "name": name or "document"}}
        case _:
            limits.refuse("messages.content", f"content of type '{kind}'")
            return None


def _held(url: str, param: str) -> JsonObject:
    """Write data, or where it lies in S3, with its format."""
    if url.startswith("s3://"):
        form = url.rpartition(".")[2].lower()
        return {"format": _FORMATS.get(form, form), "source": {"s3Location": {"uri": url}}}
    data = _DATA_URL.fullmatch(url)
    if data is None:
        raise unfit(param, "must be a base64 data URL (or s3://…): Bedrock takes no other")
    subtype = data[1].rpartition("/")[2]
    return {"format": _FORMATS.get(subtype, subtype), "source": {"bytes": data[2]}}


def _id(value: Json) -> str:
    """Write another vendor's id of a call as Bedrock takes it."""
    return _NOT_IN_IDS.sub("_", text(value))[:_LONGEST_ID] or "_"

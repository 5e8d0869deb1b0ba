"""Messages of a chat as Gemini's contents.

Shapes by ai.google.dev/api/caching#Content and …/gemini-api/docs/thought-signatures, read 2026-11.
Images and documents are passed on as data or as URL; nothing is fetched here.
"""

from __future__ import annotations

import re
from mimetypes import guess_type
from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.signed_calls import bare_id, signature_in
from shared.providers.unsupported import unfit

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject
    from shared.providers.unsupported import Unsupported

_DATA_URL: Final = re.compile(r"data:([\w.+/-]+)(?:;[\w=.-]+)*;base64,(.*)", re.DOTALL)
_URLS: Final = ("https://", "http://", "gs://")
_ANY_SIGNATURE: Final = "skip_thought_signature_validator"
"""What Google documents for calls that another model made: these have no signature."""


def contents(
    messages: Json, limits: Unsupported, *, is_third: bool
) -> tuple[list[JsonObject], list[JsonObject]]:
    """Split a conversation into its system parts and its contents; who speaks on goes on.

    From its third generation on Gemini wants a turn's first call signed, and takes ids of calls;
    those before answer 400 to ids.
    """
    system: list[JsonObject] = []
    found: list[JsonObject] = []
    names: dict[str, str] = {}
    for message in mappings(messages):
        match message.get("role"):
            case "system" | "developer":
                system += _parts(message.get("content"), limits)
            case "assistant":
                names |= _named(message)
                _append(found, "model", _said(message, limits, is_third=is_third))
            case "tool" | "function":
                _append(found, "user", _result(message, names, limits, is_third=is_third))
            case _:
                _append(found, "user", _parts(message.get("content"), limits))
    return system, found


def signature_of(call: JsonObject) -> str:
    """Find the signature of a call where LiteLLM puts it, or where Google's own chat does.

    What drops both has kept the call's id.
    """
    specific = mapping(call.get("provider_specific_fields"))
    google = mapping(mapping(call.get("extra_content")).get("google"))
    return (
        text(specific.get("thought_signature"))
        or text(google.get("thought_signature"))
        or signature_in(text(call.get("id")))
    )


def _append(found: list[JsonObject], role: str, parts: list[JsonObject]) -> None:
    if not parts:
        return
    if found and found[-1]["role"] == role:
        found[-1] = {"role": role, "parts": [*mappings(found[-1]["parts"]), *parts]}
    else:
        found.append({"role": role, "parts": [*parts]})


def _named(message: JsonObject) -> dict[str, str]:
    calls = mappings(message.get("tool_calls"))
    return {text(c.get("id")): text(mapping(c.get("function")).get("name")) for c in calls}


def _said(message: JsonObject, limits: Unsupported, *, is_third: bool) -> list[JsonObject]:
    spoken = _parts(message.get("content"), limits)
    if refusal := text(message.get("refusal")):
        spoken.append({"text": refusal})
    calls = [_call(call, is_third=is_third) for call in mappings(message.get("tool_calls"))]
    if is_third and calls and "thoughtSignature" not in calls[0]:
        calls[0] = {**calls[0], "thoughtSignature": _ANY_SIGNATURE}
    if spoken and "text" in spoken[-1] and (signature := _signature_of_words(message, calls)):
        spoken[-1] = {**spoken[-1], "thoughtSignature": signature}
    return [*spoken, *calls]


def _signature_of_words(message: JsonObject, calls: list[JsonObject]) -> str:
    """Find the signature that no call has: a second copy would be billed as thoughts again."""
    specific = mapping(message.get("provider_specific_fields"))
    told = specific.get("thought_signatures")
    taken = {text(call.get("thoughtSignature")) for call in calls}
    every = map(text, told) if isinstance(told, list) else ()
    found = [one for one in every if one and one not in taken]
    return found[-1] if found else ""


def _call(call: JsonObject, *, is_third: bool) -> JsonObject:
    function = mapping(call.get("function"))
    try:
        given: Json = orjson.loads(text(function.get("arguments")).strip() or "{}")
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise unfit("messages.tool_calls.function.arguments", "must be a JSON object")
    made: JsonObject = {
        "name": function.get("name"),
        "args": given,
        **(_id(call, "id") if is_third else {}),
    }
    signature = signature_of(call)
    part: JsonObject = {"functionCall": made}
    return {**part, "thoughtSignature": signature} if signature else part


def _id(holder: JsonObject, name: str) -> JsonObject:
    found = bare_id(text(holder.get(name)))
    return {"id": found} if found else {}


def _result(
    message: JsonObject, names: dict[str, str], limits: Unsupported, *, is_third: bool
) -> list[JsonObject]:
    """Write a tool's result under the tool's name, which Gemini matches it by.

    What is not text stands beside it: only Gemini 3 takes media within a result.
    """
    content = message.get("content")
    beside: list[JsonObject] = []
    if isinstance(content, list):
        parts = _parts(content, limits)
        beside = [part for part in parts if "text" not in part]
        content = "\n".join(text(part.get("text")) for part in parts if "text" in part)
    called = text(message.get("tool_call_id"))
    name = names.get(called) or text(message.get("name"))
    if not name:
        raise unfit("messages.tool_call_id", "must be the id of a call made before")
    made: JsonObject = {
        "name": name,
        "response": _object(text(content)),
        **(_id(message, "tool_call_id") if is_third else {}),
    }
    return [{"functionResponse": made}, *beside]


def _object(content: str) -> JsonObject:
    try:
        found: Json = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, dict) else {"result": content}


def _parts(content: Json, limits: Unsupported) -> list[JsonObject]:
    if isinstance(content, str):
        return [{"text": content}] if content else []
    return [made for part in mappings(content) if (made := _part(part, limits))]


def _part(part: JsonObject, limits: Unsupported) -> JsonObject | None:
    kind = text(part.get("type"))
    match kind:
        case "text" | "input_text" | "output_text":
            said = text(part.get("text"))
            return {"text": said} if said else None
        case "image_url":
            found = part.get("image_url")
            url = found if isinstance(found, str) else text(mapping(found).get("url"))
            return _held(url, "messages.content.image_url")
        case "input_audio":
            audio = mapping(part.get("input_audio"))
            return _inline(f"audio/{text(audio.get('format'))}", text(audio.get("data")))
        case "file":
            file = mapping(part.get("file"))
            held = text(file.get("file_data")) or text(file.get("file_id"))
            if held and not held.startswith(("data:", *_URLS)):
                return _inline("application/pdf", held)
            return _held(held, "messages.content.file")
        case _:
            limits.refuse("messages.content", f"content of type '{kind}'")
            return None


def _held(url: str, param: str) -> JsonObject:
    if data := _DATA_URL.fullmatch(url):
        return _inline(data[1], data[2])
    if url.startswith(_URLS):
        kind, _ = guess_type(url.partition("?")[0])
        return {"fileData": without_nulls({"fileUri": url, "mimeType": kind})}
    raise unfit(param, "must be a URL or a base64 data URL")


def _inline(kind: str, data: str) -> JsonObject:
    return {"inlineData": {"mimeType": kind, "data": data}}

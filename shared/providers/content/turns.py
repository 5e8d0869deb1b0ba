"""Google's contents as messages of a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.unsupported import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject
    from shared.providers.unsupported import Unsupported

_PLAIN_RESULTS: Final = ("result", "output")
"""How Google's SDKs wrap what a function returned that is no object."""


def chat_messages(
    asked: Mapping[str, Json], limits: Unsupported, *, is_rich: bool
) -> list[JsonObject]:
    """Write the system instruction and every turn."""
    writer = _Writer(limits, is_rich=is_rich)
    found: list[JsonObject] = []
    if system := writer.content(_parts(asked.get("systemInstruction"))):
        found.append({"role": "system", "content": system})
    for turn in _turns(asked.get("contents")):
        if turn.get("role") == "model":
            found.append(writer.said(_parts(turn)))
        else:
            found += writer.asked(_parts(turn))
    return found


def _turns(contents: Json) -> list[JsonObject]:
    return [contents] if isinstance(contents, dict) else mappings(contents)


def _parts(content: Json) -> list[JsonObject]:
    """Read the parts of a content; a text, or a single part, stands for a list of one."""
    match content:
        case str():
            return [{"text": content}]
        case {"parts": dict() as one}:
            return [one]
        case {"parts": parts}:
            return mappings(parts)
        case _:
            return []


class _Writer:
    """Writes for one target, and remembers which calls are still to be answered."""

    def __init__(self, limits: Unsupported, *, is_rich: bool) -> None:
        self._limits = limits
        self._is_rich = is_rich
        self._waiting: dict[str, list[str]] = {}
        self._calls = 0

    def content(self, parts: list[JsonObject]) -> Json:
        """Write text and attachments; a single text as a string, which everybody takes."""
        written = [made for part in parts if (made := self._part(part))]
        if len(written) == 1 and written[0].keys() == {"type", "text"}:
            return written[0]["text"]
        return [*written]

    def asked(self, parts: list[JsonObject]) -> list[JsonObject]:
        """Write a user's turn: results of functions first, each a message, then what is said."""
        results = [part for part in parts if _either(part, "functionResponse")]
        rest = [part for part in parts if not _either(part, "functionResponse")]
        found = [self._result(_either(part, "functionResponse")) for part in results]
        if rest or not results:
            found.append({"role": "user", "content": self.content(rest)})
        return found

    def said(self, parts: list[JsonObject]) -> JsonObject:
        """Write a model's turn."""
        texts: list[str] = []
        calls: list[Json] = []
        thinking: list[Json] = []
        for part in parts:
            if called := _either(part, "functionCall"):
                calls.append(self._call(called))
            elif part.get("thought") is True:
                thinking += _signed(part)
            elif isinstance(said := part.get("text"), str):
                texts.append(said)
            else:
                self._refuse(part)
        found: JsonObject = {"role": "assistant"}
        found["content"] = "".join(texts) if texts or not calls else None
        if calls:
            found["tool_calls"] = calls
        if thinking and self._is_rich:
            found["thinking_blocks"] = thinking
        return found

    def _call(self, called: JsonObject) -> JsonObject:
        name = text(called.get("name"))
        self._calls += 1
        id_ = text(called.get("id")) or f"call_{self._calls}"
        self._waiting.setdefault(name, []).append(id_)
        arguments = orjson.dumps(mapping(called.get("args"))).decode()
        return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}

    def _result(self, result: JsonObject) -> JsonObject:
        """Write a function's result under the id of its call, which Google may match by name."""
        waiting = self._waiting.get(text(result.get("name")), [])
        id_ = text(result.get("id"))
        if id_ in waiting:
            waiting.remove(id_)
        elif not id_ and waiting:
            id_ = waiting.pop(0)
        if not id_:
            raise unfit(
                "contents.parts.functionResponse.name", "must be that of a call made before"
            )
        return {"role": "tool", "tool_call_id": id_, "content": _told(result.get("response"))}

    def _part(self, part: JsonObject) -> JsonObject | None:
        if isinstance(said := part.get("text"), str):
            return {"type": "text", "text": said} if said else None
        if inline := _either(part, "inlineData"):
            kind, data = text(_named(inline, "mimeType")), text(inline.get("data"))
            return _attached(kind, data)
        if file := _either(part, "fileData"):
            return self._file(text(_named(file, "mimeType")), text(_named(file, "fileUri")))
        self._refuse(part)
        return None

    def _file(self, kind: str, uri: str) -> JsonObject:
        if kind.startswith("image/"):
            return {"type": "image_url", "image_url": {"url": uri}}
        if self._is_rich:
            return {"type": "file", "file": without_nulls({"file_id": uri, "format": kind or None})}
        raise unfit("contents.parts.fileData", "must hold the file's data for this model")

    def _refuse(self, part: JsonObject) -> None:
        kind = next((name for name in part if name != "thoughtSignature"), "nothing")
        self._limits.refuse("contents.parts", f"parts with '{kind}'")


def _attached(kind: str, data: str) -> JsonObject:
    # Google's own encoding of bytes may be the one for URLs, which nobody else takes.
    data = data.replace("-", "+").replace("_", "/")
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}
    if kind.startswith("audio/"):
        sound = kind.removeprefix("audio/").removeprefix("x-")
        return {
            "type": "input_audio",
            "input_audio": {"data": data, "format": {"mpeg": "mp3"}.get(sound, sound)},
        }
    name = "document." + (kind.rpartition("/")[2] or "bin")
    return {
        "type": "file",
        "file": {"filename": name, "file_data": f"data:{kind};base64,{data}"},
    }


def _signed(part: JsonObject) -> list[Json]:
    """Read a thought back that came from a model which signs its thinking."""
    signature = text(_named(part, "thoughtSignature"))
    if not signature:
        return []
    return [{"type": "thinking", "thinking": text(part.get("text")), "signature": signature}]


def _told(response: Json) -> str:
    if isinstance(response, dict) and len(response) == 1:
        for name in _PLAIN_RESULTS:
            if isinstance(plain := response.get(name), str):
                return plain
    return orjson.dumps(response).decode()


def _either(part: JsonObject, name: str) -> JsonObject:
    return mapping(_named(part, name))


def _named(part: JsonObject, name: str) -> Json:
    """Read a field in the case of Google's documentation, or in that of its protocol buffers."""
    spelt = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return part.get(name, part.get(spelt))

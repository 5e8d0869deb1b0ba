"""Turns of Anthropic's as messages of a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.providers.reading import mapping, mappings, text
from shared.providers.unsupported import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject
    from shared.providers.unsupported import Unsupported


def chat_messages(
    given: Mapping[str, Json], limits: Unsupported, *, is_rich: bool
) -> list[JsonObject]:
    """Write the system prompt and every turn."""
    writer = _Writer(limits, is_rich=is_rich)
    found: list[JsonObject] = []
    system = writer.content(given.get("system"))
    if system:
        found.append({"role": "system", "content": system})
    for turn in mappings(given.get("messages")):
        match turn.get("role"):
            case "assistant":
                found.append(writer.said(turn))
            case "system":
                found.append({"role": "system", "content": writer.content(turn.get("content"))})
            case _:
                found += writer.asked(turn)
    return found


class _Writer:
    """Writes for one target: a rich one keeps signed thinking and the marks for caching."""

    def __init__(self, limits: Unsupported, *, is_rich: bool) -> None:
        self._limits = limits
        self._is_rich = is_rich

    def content(self, blocks: Json) -> Json:
        """Write text and attachments; a single plain text as a string, which everybody takes."""
        if isinstance(blocks, str):
            return blocks
        parts = [part for block in mappings(blocks) for part in self._parts(block)]
        if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
            return parts[0]["text"]
        return [*parts]

    def asked(self, turn: JsonObject) -> list[JsonObject]:
        """Write a user's turn: results of tools first, each a message, then what else is said."""
        content = turn.get("content")
        if isinstance(content, str):
            return [{"role": "user", "content": content}]
        found: list[JsonObject] = []
        rest: list[JsonObject] = []
        for block in mappings(content):
            if block.get("type") == "tool_result":
                result, attached = self._result(block)
                found.append(result)
                rest += attached
            else:
                rest.append(block)
        if rest:
            found.append({"role": "user", "content": self.content([*rest])})
        return found

    def said(self, turn: JsonObject) -> JsonObject:
        """Write an assistant's turn."""
        content = turn.get("content")
        if isinstance(content, str):
            return {"role": "assistant", "content": content}
        thinking: list[Json] = []
        texts: list[str] = []
        calls: list[Json] = []
        for block in mappings(content):
            match block.get("type"):
                case "text":
                    texts.append(text(block.get("text")))
                case "thinking" | "redacted_thinking":
                    thinking.append(block)
                case "tool_use":
                    calls.append(self._call(block))
                case kind:
                    self._limits.refuse("messages.content", f"content of type '{kind}'")
        found: JsonObject = {"role": "assistant"}
        found["content"] = "".join(texts) if texts or not calls else None
        if calls:
            found["tool_calls"] = calls
        if thinking and self._is_rich:
            found["thinking_blocks"] = thinking
        return found

    def _call(self, block: JsonObject) -> JsonObject:
        arguments = orjson.dumps(mapping(block.get("input"))).decode()
        function: JsonObject = {"name": block.get("name"), "arguments": arguments}
        return {
            "id": block.get("id"),
            "type": "function",
            "function": function,
            **self._marks(block),
        }

    def _result(self, block: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
        """Write a tool's result; a chat's takes text only, so what is attached goes after it."""
        content = block.get("content")
        blocks = mappings(content)
        texts = [text(b.get("text")) for b in blocks if b.get("type") == "text"]
        attached = [b for b in blocks if b.get("type") != "text"]
        result: JsonObject = {
            "role": "tool",
            "tool_call_id": block.get("tool_use_id"),
            "content": content if isinstance(content, str) else "\n".join(texts),
            **self._marks(block),
        }
        return result, attached

    def _parts(self, block: JsonObject) -> list[JsonObject]:
        match block:
            case {"type": "text", "text": str(said)}:
                return [{"type": "text", "text": said, **self._marks(block)}]
            case {"type": "image", "source": dict() as source}:
                return [self._image(source, block)]
            case {"type": "document", "source": {"type": "content", "content": inner}}:
                nested: list[Json] = (
                    [*mappings(inner)]
                    if isinstance(inner, list)
                    else [{"type": "text", "text": inner}]
                )
                return [part for item in mappings(nested) for part in self._parts(item)]
            case {"type": "document", "source": dict() as source}:
                return [self._document(source, block)]
            case {"type": "search_result"}:
                title, where = text(block.get("title")), text(block.get("source"))
                texts = [text(b.get("text")) for b in mappings(block.get("content"))]
                return [{"type": "text", "text": "\n".join([title, where, *texts])}]
            case _:
                kind = block.get("type")
                self._limits.refuse("messages.content", f"content of type '{kind}'")
                return []

    def _image(self, source: JsonObject, block: JsonObject) -> JsonObject:
        match source:
            case {"type": "base64", "media_type": str(kind), "data": str(data)}:
                url = f"data:{kind};base64,{data}"
            case {"type": "url", "url": str(url)}:
                pass
            case _:
                raise unfit("messages.content.source", "must be base64 or a URL for this model")
        return {"type": "image_url", "image_url": {"url": url}, **self._marks(block)}

    def _document(self, source: JsonObject, block: JsonObject) -> JsonObject:
        title = text(block.get("title"))
        match source:
            case {"type": "base64", "media_type": str(kind), "data": str(data)}:
                file: JsonObject = {
                    "filename": title or "document.pdf",
                    "file_data": f"data:{kind};base64,{data}",
                }
                return {"type": "file", "file": file, **self._marks(block)}
            case {"type": "text", "data": str(data)}:
                said = f"{title}\n{data}" if title else data
                return {"type": "text", "text": said, **self._marks(block)}
            case {"type": "url", "url": str(url)} if self._is_rich:
                return {"type": "file", "file": {"file_id": url}, **self._marks(block)}
            case _:
                raise unfit("messages.content.source", "must hold the document for this model")

    def _marks(self, block: JsonObject) -> JsonObject:
        control = block.get("cache_control")
        return {"cache_control": control} if self._is_rich and control else {}

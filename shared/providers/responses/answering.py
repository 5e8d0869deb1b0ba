"""An answer of chat completions as a response object with its items."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.responses.asking import SEALED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Json, JsonObject, Usage
    from shared.providers.responses.tools import Tools

_ECHOED: Final[Mapping[str, Json]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "temperature": None,
    "tool_choice": "auto",
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
_CUT_SHORT: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass(frozen=True, slots=True)
class Answering:
    """One answer on its way: what names its items, and how its response object looks."""

    call: Call
    tools: Tools
    created_at: int

    def item_id(self, kind: str, number: int) -> str:
        """Name an item: the call's own id makes it unlike any other's."""
        return f"{kind}_{self.call.id.replace('-', '')}{number:02x}"

    def response(self, status: str, output: list[Json], **more: Json) -> JsonObject:
        """Describe the response as it stands."""
        body = self.call.body
        echoed: JsonObject = {
            name: default if body.get(name) is None else body[name]
            for name, default in _ECHOED.items()
        }
        reasoning, text, tools = body.get("reasoning"), body.get("text"), body.get("tools")
        return {
            "id": f"resp_{self.call.id.replace('-', '')}",
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            **echoed,
            "model": self.call.model,
            "output": output,
            "previous_response_id": None,
            "reasoning": reasoning or {"effort": None, "summary": None},
            "store": False,
            "text": text or {"format": {"type": "text"}},
            "tools": tools or [],
            "metadata": self.call.body.get("metadata") or {},
            "usage": None,
            **more,
        }

    def ended(self, finish_reason: Json, output: list[Json], usage: Usage | None) -> JsonObject:
        """Describe the response at its end."""
        reason = _CUT_SHORT.get(str(finish_reason))
        more: JsonObject = {"usage": None if usage is None else usage_object(usage)}
        if reason:
            more["incomplete_details"] = {"reason": reason}
        return self.response("incomplete" if reason else "completed", output, **more)

    def output_of(self, message: JsonObject) -> list[Json]:
        """List the items of a whole chat message: reasoning, then text, then calls."""
        items: list[Json] = []
        thought = message.get("reasoning_content") or message.get("reasoning")
        blocks = message.get("thinking_blocks")
        if thought or blocks:
            items.append(self.reasoning_item(len(items), str(thought or ""), blocks))
        if parts := content_parts(message):
            items.append(self.message_item(len(items), parts))
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(call, dict) and isinstance(function, dict):
                name, arguments = str(function.get("name")), str(function.get("arguments") or "")
                items.append(self.call_item(len(items), call.get("id"), name, arguments))
        return items

    def reasoning_item(self, number: int, text: str, blocks: Json = None) -> JsonObject:
        """Describe what the model thought; blocks that it must see again travel sealed."""
        item: JsonObject = {
            "id": self.item_id("rs", number),
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": text}] if text else [],
        }
        if blocks:
            item["encrypted_content"] = SEALED + b64encode(orjson.dumps(blocks)).decode()
        return item

    def message_item(self, number: int, parts: list[Json], status: str = "completed") -> JsonObject:
        """Describe what the model said."""
        return {
            "id": self.item_id("msg", number),
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": parts,
        }

    def call_item(
        self, number: int, call_id: Json, name: str, arguments: str, status: str = "completed"
    ) -> JsonObject:
        """Describe a tool call under the name the caller gave the tool."""
        item = self.tools.call_item(name, arguments)
        kind = "ctc" if item["type"] == "custom_tool_call" else "fc"
        own: JsonObject = {
            "id": self.item_id(kind, number),
            "call_id": call_id or self.item_id("call", number),
            "status": status,
        }
        return {**own, **item}


def content_parts(message: JsonObject) -> list[Json]:
    """List the parts of a chat message's content and refusal."""
    parts: list[Json] = []
    content, refusal = message.get("content"), message.get("refusal")
    for text in content if isinstance(content, list) else [content]:
        said = text.get("text") if isinstance(text, dict) else text
        if isinstance(said, str) and said:
            parts.append(text_part(said, _annotations(message)))
    if isinstance(refusal, str) and refusal:
        parts.append({"type": "refusal", "refusal": refusal})
    return parts


def text_part(text: str, annotations: list[Json] | None = None) -> JsonObject:
    """Describe a piece of text."""
    return {
        "type": "output_text",
        "text": text,
        "annotations": annotations or [],
        "logprobs": [],
    }


def usage_object(usage: Usage) -> JsonObject:
    """Tell usage in the words of the Responses API."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_creation_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def _annotations(message: JsonObject) -> list[Json]:
    """Flatten the citations of a chat message."""
    found = message.get("annotations")
    flat: list[Json] = []
    for annotation in found if isinstance(found, list) else []:
        if isinstance(annotation, dict):
            inner = annotation.get(str(annotation.get("type")))
            flat.append(
                {"type": annotation.get("type"), **inner} if isinstance(inner, dict) else annotation
            )
    return flat

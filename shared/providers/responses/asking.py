"""A request of the Responses API as one of chat completions.

Fields: https://platform.openai.com/docs/api-reference/responses/create, read 2026-11. What shapes
the answer is kept; what only concerns OpenAI's own storage and caches is left out.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

import orjson

from shared.errors import BadRequest
from shared.providers.responses.tools import (
    allowed,
    chat_choice,
    custom_arguments,
    flat_name,
    read_tools,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject

SEALED: Final = "chat-thinking:"
"""Begins the `encrypted_content` of a reasoning item that is made of another dialect's blocks."""

_TRANSLATED: Final = frozenset(
    {
        *("input", "instructions", "max_output_tokens", "reasoning", "text"),
        *("tools", "tool_choice", "parallel_tool_calls", "top_logprobs"),
    }
)
_LEFT_OUT: Final = frozenset(
    {
        *("store", "include", "truncation", "background", "max_tool_calls", "stream_options"),
        *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
        *("client_metadata", "safety_identifier", "context_management", "moderation"),
    }
)
_ONLY_NATIVE: Final = ("prompt", "conversation", "previous_response_id")
_RECORDS: Final = ("web_search_call", "tool_search_call", "tool_search_output", "compaction")
_ROLES: Final = {"developer": "system", "system": "system", "assistant": "assistant"}


def chat_body(body: Mapping[str, Json]) -> JsonObject:
    """Translate; raise BadRequest for what chat completions cannot express."""
    for field in _ONLY_NATIVE:
        if body.get(field) is not None:
            raise BadRequest(
                f"/responses: '{field}' lives with a provider that stores responses, and this "
                "model's does not: send the whole conversation in 'input'.",
                param=field,
            )
    gone = _TRANSLATED | _LEFT_OUT
    chat: JsonObject = {
        name: value for name, value in body.items() if name not in gone and value is not None
    }
    chat["messages"] = _messages(body)
    if (limit := body.get("max_output_tokens")) is not None:
        chat["max_completion_tokens"] = limit
    chat |= _tool_fields(body)
    chat |= _text_fields(body.get("text"))
    reasoning = body.get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
    if effort is not None:
        chat["reasoning_effort"] = effort
    if top := body.get("top_logprobs"):
        chat |= {"logprobs": True, "top_logprobs": top}
    return chat


def _tool_fields(body: Mapping[str, Json]) -> JsonObject:
    tools = read_tools(body.get("tools"))
    asked = body.get("tool_choice")
    functions = allowed(asked, tools.functions)
    choice = chat_choice(asked, tools)
    if not functions:
        return {}
    fields: JsonObject = {"tools": functions}
    if choice is not None:
        fields["tool_choice"] = choice
    if (parallel := body.get("parallel_tool_calls")) is not None:
        fields["parallel_tool_calls"] = parallel
    return fields


def _text_fields(text: Json) -> JsonObject:
    form = text.get("format") if isinstance(text, dict) else None
    match form:
        case {"type": "json_schema"}:
            names = ("name", "description", "schema", "strict")
            schema: JsonObject = {n: form[n] for n in names if form.get(n) is not None}
            return {"response_format": {"type": "json_schema", "json_schema": schema}}
        case {"type": "json_object"}:
            return {"response_format": {"type": "json_object"}}
        case _:
            return {}


def _messages(body: Mapping[str, Json]) -> list[Json]:
    conversation = _Conversation()
    if instructions := body.get("instructions"):
        conversation.messages.append({"role": "system", "content": instructions})
    given = body.get("input")
    if isinstance(given, str):
        conversation.messages.append({"role": "user", "content": given})
    for position, item in enumerate(given if isinstance(given, list) else []):
        if isinstance(item, dict):
            conversation.add(item, position)
    messages: list[Json] = [*conversation.messages]
    if not messages:
        raise BadRequest("/responses: Missing required parameter: 'input'.", param="input")
    return messages


class _Conversation:
    """Messages as they grow: the calls of one turn join the assistant's message before them."""

    def __init__(self) -> None:
        self.messages: list[JsonObject] = []
        self._thinking: list[Json] = []

    def add(self, item: JsonObject, position: int) -> None:
        """Add one item of `input`."""
        match item.get("type", "message"):
            case "message":
                self._message(item, position)
            case "function_call":
                name = flat_name(item.get("namespace"), item.get("name"))
                self._call(item, name, str(item.get("arguments") or "{}"))
            case "custom_tool_call":
                self._call(item, str(item.get("name")), custom_arguments(item.get("input")))
            case "function_call_output" | "custom_tool_call_output":
                output = _content(item.get("output"), position)
                self.messages.append(
                    {"role": "tool", "tool_call_id": item.get("call_id"), "content": output}
                )
            case "reasoning":
                self._thinking += _thinking_blocks(item.get("encrypted_content"))
            case str() as kind if kind in _RECORDS:
                pass
            case kind:
                raise _unsupported("input", f"input[{position}]: an item of type {kind!r}")

    def _message(self, item: JsonObject, position: int) -> None:
        role = _ROLES.get(str(item.get("role")), "user")
        message: JsonObject = {"role": role, "content": _content(item.get("content"), position)}
        if role == "assistant":
            message |= self._thoughts()
        self.messages.append(message)

    def _call(self, item: JsonObject, name: str, arguments: str) -> None:
        call: JsonObject = {
            "id": item.get("call_id"),
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        last = self.messages[-1] if self.messages else {}
        if last.get("role") != "assistant":
            last = {"role": "assistant", "content": None, **self._thoughts()}
            self.messages.append(last)
        calls = last.setdefault("tool_calls", [])
        if isinstance(calls, list):
            calls.append(call)

    def _thoughts(self) -> JsonObject:
        thinking, self._thinking = self._thinking, []
        return {"thinking_blocks": thinking} if thinking else {}


def _content(content: Json, position: int) -> Json:
    if not isinstance(content, list):
        return content
    parts = [_part(part, position) for part in content if isinstance(part, dict)]
    texts = [part.get("text") for part in parts if part.get("type") == "text"]
    # Many vendors take lists only from users; text alone means the same as one string.
    if len(texts) == len(parts) == 1:
        return texts[0]
    return [*parts]


def _part(part: JsonObject, position: int) -> JsonObject:
    match part.get("type"):
        case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
            return {"type": "text", "text": part.get("text")}
        case "refusal":
            return {"type": "text", "text": part.get("refusal")}
        case "input_image" if part.get("image_url"):
            image: JsonObject = {"url": part["image_url"]}
            if part.get("detail"):
                image["detail"] = part["detail"]
            return {"type": "image_url", "image_url": image}
        case "input_file" if part.get("file_data"):
            names = ("file_data", "filename")
            return {"type": "file", "file": {n: part[n] for n in names if part.get(n)}}
        case "input_audio":
            return {"type": "input_audio", "input_audio": part.get("input_audio")}
        case "image_url" | "file":
            return part
        case kind:
            raise _unsupported("input", f"input[{position}]: content of type {kind!r}")


def _thinking_blocks(sealed: Json) -> list[Json]:
    """Read back what answering.py has sealed; what another provider encrypted means nothing."""
    if not isinstance(sealed, str) or not sealed.startswith(SEALED):
        return []
    try:
        blocks: Json = orjson.loads(b64decode(sealed.removeprefix(SEALED)))
    except ValueError:
        return []
    return blocks if isinstance(blocks, list) else []


def _unsupported(param: str, what: str) -> BadRequest:
    return BadRequest(f"/responses: {what} is not supported by this model's provider.", param=param)

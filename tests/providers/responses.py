"""Requests and answers of the Responses API to try the bridge with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Endpoint
from shared.providers.openai import OpenAI
from shared.providers.responses.bridge import ResponsesBridge
from tests.providers.calls import call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.domain import Call, Json, JsonObject
    from shared.providers.dialect import StreamEvent

BRIDGE = ResponsesBridge(OpenAI())

# What Codex CLI 0.169 sends, shortened.
CODEX: JsonObject = {
    "model": "fast",
    "input": [
        {
            "type": "message",
            "role": "developer",
            "content": [{"type": "input_text", "text": "Be brief."}],
        },
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "List the files."}],
        },
    ],
    "tools": [
        {
            "type": "function",
            "name": "exec",
            "strict": False,
            "parameters": {"type": "object", "properties": {}},
        },
        {
            "type": "namespace",
            "name": "git",
            "description": "Git.",
            "tools": [{"type": "function", "name": "log", "parameters": {"type": "object"}}],
        },
        {"type": "custom", "name": "apply_patch", "description": "Edit files."},
        {"type": "web_search", "external_web_access": False},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "low"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "client_metadata": {"session": "s"},
}


def response_call(body: JsonObject | None = None, **more: Json) -> Call:
    asked = call({"model": "fast", "input": "Hello", **more} if body is None else body)
    return type(asked)(
        id="01890a5d-ac96-774b-bcce-b302099a8057",
        endpoint=Endpoint.RESPONSES,
        model="fast",
        body=asked.body,
        is_stream=bool(asked.body.get("stream")),
    )


def shown(events: Iterable[StreamEvent]) -> list[JsonObject]:
    return [event.data for event in events if event.data is not None]

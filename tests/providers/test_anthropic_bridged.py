"""Anthropic's own callers bridged to a chat."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.domain import Endpoint, JsonObject
from shared.errors import BadRequest
from shared.providers.registry import dialect_of
from tests.providers.anthropic_wire import (
    HELD,
)
from tests.providers.calls import HELLO, call, deployment, said


def bridged(body: JsonObject, provider: str = "openai", model: str = "gpt-5") -> dict[str, Any]:
    to = deployment(provider, model=model)
    asked = call({**HELLO, "max_tokens": 9, **body}, Endpoint.MESSAGES)
    return orjson.loads(dialect_of(provider, Endpoint.MESSAGES).request(asked, to).body)


def test_a_bridged_call_leaves_behind_what_only_tunes_anthropic() -> None:
    body = bridged(
        {
            "context_management": {"edits": []},
            "metadata": {"user_id": "u"},
            "speed": "fast",
            "thinking": {"type": "adaptive"},
            "output_config": {"effort": "max"},
            "system": [{"type": "text", "text": "Be brief.", "cache_control": HELD}],
        }
    )

    assert {
        "model": "gpt-5",
        "messages": [said("system", "Be brief."), said("user", "Hello")],
        "max_completion_tokens": 9,
        "reasoning_effort": "high",
    } == body


def test_a_bridged_result_with_an_image_is_followed_by_the_image() -> None:
    source: JsonObject = {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}
    result: JsonObject = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "text", "text": "See:"}, {"type": "image", "source": source}],
    }

    body = bridged({"messages": [said("user", [result])]})

    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}}
    assert [
        {"role": "tool", "tool_call_id": "t", "content": "See:"},
        said("user", [image]),
    ] == body["messages"]


def test_a_bridged_schema_is_strict_only_where_openai_would_take_it_so() -> None:
    closed: JsonObject = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    loose: JsonObject = {**closed, "required": []}

    formats = [
        bridged({"output_config": {"format": {"type": "json_schema", "schema": schema}}})
        for schema in (closed, loose)
    ]

    assert [True, False] == [body["response_format"]["json_schema"]["strict"] for body in formats]


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"mcp_servers": [{"url": "https://a.example"}]},
        {"messages": [said("user", [{"type": "container_upload", "file_id": "f"}])]},
    ],
)
def test_what_only_anthropic_can_do_is_refused_elsewhere(body: JsonObject) -> None:
    with pytest.raises(BadRequest, match="does not support"):
        bridged(body)


def test_a_model_that_does_not_reason_is_not_asked_to() -> None:
    body = bridged({"thinking": {"type": "enabled", "budget_tokens": 2000}}, model="gpt-4o")

    assert "reasoning_effort" not in body

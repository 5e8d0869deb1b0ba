"""What goes to vendors, and what the fixtures say comes from them, has the shape of their SDKs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from anthropic.types import Message, MessageParam, RawMessageStreamEvent, ToolParam
from hypothesis import HealthCheck, Phase, given, settings
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from shared.providers.registry import request_for
from tests.outside import python_of
from tests.providers.calls import call
from tests.providers.conversations import TOOLS, conversations
from tests.providers.test_translations import AUDIO, PDF
from tests.providers.wires import WIRES, there

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

MESSAGE: TypeAdapter[MessageParam] = TypeAdapter(MessageParam)
TOOL: TypeAdapter[ToolParam] = TypeAdapter(ToolParam)
CHECK = Path(__file__).with_name("google_types.py")
SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}}
RICH: list[JsonObject] = [
    {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}},
    {"response_format": {"type": "json_object"}, "seed": 3, "n": 2, "stop": ["a", "b"]},
    {"reasoning_effort": "low", "temperature": 0.5, "top_p": 0.9, "max_tokens": 5},
    {"logprobs": True, "top_logprobs": 3, "presence_penalty": 0.1, "frequency_penalty": 0.1},
    {"tool_choice": "required", "tools": TOOLS},
    {"tool_choice": {"type": "function", "function": {"name": "weather"}}, "tools": TOOLS},
    {"modalities": ["text", "image"], "tools": [{"googleSearch": {}}]},
    {"safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
]


def checked(told: list[dict[str, Json]]) -> str:
    lines = b"\n".join(orjson.dumps(one) for one in told)
    done = subprocess.run(
        [str(python_of("google")), str(CHECK)], input=lines, capture_output=True, check=False
    )
    assert 0 == done.returncode, done.stderr.decode()[-2000:]
    return done.stdout.decode().strip()


def sent(messages: list[Any], **more: Json) -> dict[str, Json]:
    body: JsonObject = {"model": "fast", "messages": messages, **more}
    return {"request": orjson.loads(request_for(call(body), there("gemini")).body)}


@pytest.mark.slow
def test_every_conversation_has_the_shape_that_googles_sdk_sends() -> None:
    told: list[dict[str, Json]] = []

    @settings(
        max_examples=100,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(messages=conversations())
    def collect(messages: list[JsonObject]) -> None:
        told.append(sent(messages, tools=TOOLS))

    collect()
    media: JsonObject = {"role": "user", "content": [AUDIO, PDF]}
    told += [sent([media, {"role": "user", "content": "Hello"}], **more) for more in RICH]

    assert "ok" == checked(told)


@pytest.mark.slow
def test_the_fixtures_have_the_shape_that_googles_sdk_reads() -> None:
    wire = WIRES["gemini"]
    chunks = [line[6:] for line in wire.stream.split(b"\n") if line.startswith(b"data: ")]

    told = [{"response": orjson.loads(body)} for body in (wire.reply, *chunks)]

    assert "ok" == checked(told)


def test_the_fixtures_have_the_shape_that_anthropics_sdk_reads() -> None:
    wire, event = WIRES["anthropic"], TypeAdapter(RawMessageStreamEvent)
    chunks = [line[6:] for line in wire.stream.split(b"\n") if line.startswith(b"data: ")]

    message = Message.model_validate_json(wire.reply)
    events = [event.validate_json(chunk) for chunk in chunks if b'"ping"' not in chunk]

    assert "tool_use" == message.stop_reason
    assert ["message_start", "message_stop"] == [events[0].type, events[-1].type]


@given(messages=conversations())
@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_every_conversation_has_the_shape_that_anthropics_sdk_sends(
    messages: list[JsonObject],
) -> None:
    body: JsonObject = {"model": "fast", "messages": [*messages], "tools": TOOLS, "max_tokens": 9}

    sent_body = orjson.loads(request_for(call(body), there("anthropic")).body)

    assert {"model", "max_tokens", "messages", "tools", "system"} >= sent_body.keys()
    for message in sent_body["messages"]:
        assert list(MESSAGE.validate_python(message)["content"])  # checked as it is iterated
    for tool in sent_body["tools"]:
        TOOL.validate_python(tool)


@pytest.mark.parametrize("name", ["openai", "azure"])
def test_the_fixtures_have_the_shape_that_openais_sdk_reads(name: str) -> None:
    wire = WIRES[name]
    chunks = [line[6:] for line in wire.stream.split(b"\n") if line.startswith(b"data: {")]

    found = ChatCompletion.model_validate_json(wire.reply)

    assert "tool_calls" == found.choices[0].finish_reason
    assert chunks == [
        chunk for chunk in chunks if ChatCompletionChunk.model_validate_json(chunk).id
    ]

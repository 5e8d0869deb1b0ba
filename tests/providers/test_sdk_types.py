"""What goes to Cohere and Mistral has the shape that their own SDKs send, and nothing besides."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from shared.providers.registry import request_for
from tests.outside import python_of
from tests.providers.calls import call
from tests.providers.conversations import TOOLS, conversations
from tests.providers.wires import WIRES, spoken, there

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

CHECK = Path(__file__).with_name("sdk_types.py")
MARK: JsonObject = {"type": "ephemeral"}
SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}}
MARKED: JsonObject = {"type": "text", "text": "Hello", "cache_control": MARK}
CALL: JsonObject = {
    "id": "call_1",
    "type": "function",
    "index": 0,
    "provider_specific_fields": {"thought_signature": "a"},
    "function": {"name": "weather", "arguments": "{}", "provider_specific_fields": {}},
}
# What a conversation has picked up on its way from vendor to vendor.
TRAVELLED: list[Json] = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "name": "ada", "content": [MARKED]},
    {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "reasoning_content": "Hm.",
        "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}],
        "provider_specific_fields": {"thought_signatures": ["a"]},
        "tool_calls": [CALL],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": [MARKED], "cache_control": MARK},
    {"role": "user", "content": "Go on."},
]
BARE: Json = {"type": "function", "cache_control": MARK, "function": {"name": "now"}}
VARIANTS: list[JsonObject] = [
    {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}},
    {"response_format": {"type": "json_object"}, "seed": 3, "stop": ["a", "b"], "max_tokens": 5},
    {"temperature": 0.5, "top_p": 0.9, "presence_penalty": 0.1, "frequency_penalty": 0.1},
    {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": True},
    {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "weather"}}},
    {"tools": [BARE], "tool_choice": "none"},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"thinking": {"type": "adaptive"}},
    {"reasoning_effort": "xhigh", "max_completion_tokens": 9},
    {"reasoning_effort": "none", "logprobs": True, "n": 1},
    {"stream_options": {"include_usage": True}, "metadata": {"a": "b"}, "user": "ada"},
    {"store": True, "safety_identifier": "s", "prompt_cache_retention": "24h"},
]


def checked(told: list[dict[str, Json]]) -> str:
    lines = b"\n".join(orjson.dumps(one) for one in told)
    done = subprocess.run(
        [str(python_of("vendors")), str(CHECK)], input=lines, capture_output=True, check=False
    )
    assert 0 == done.returncode, done.stderr.decode()[-2000:]
    return done.stdout.decode().strip()


def sent(vendor: str, messages: list[Any], **more: Json) -> dict[str, Json]:
    body: JsonObject = {"model": "fast", "messages": messages, **more}
    request = request_for(call(body, is_stream="stream_options" in more), there(vendor))
    return {"vendor": vendor, "kind": "request", "body": orjson.loads(request.body)}


@pytest.mark.slow
@pytest.mark.parametrize("vendor", ["cohere", "mistral"])
def test_every_conversation_has_the_shape_that_the_vendors_sdk_sends(vendor: str) -> None:
    told = [sent(vendor, TRAVELLED, **more) for more in VARIANTS]

    @settings(
        max_examples=100,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(messages=conversations())
    def collect(messages: list[JsonObject]) -> None:
        told.append(sent(vendor, messages, tools=TOOLS))

    collect()

    assert "ok" == checked(told)


@pytest.mark.slow
@pytest.mark.parametrize(("vendor", "wire"), [("cohere", "cohere"), ("mistral", "openai")])
def test_the_fixtures_have_the_shape_that_the_vendors_sdk_reads(vendor: str, wire: str) -> None:
    stream = WIRES[wire].stream
    chunks = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: {")]
    told: list[dict[str, Json]] = [
        {"vendor": vendor, "kind": "reply", "body": orjson.loads(WIRES[wire].reply)},
        *({"vendor": vendor, "kind": "chunk", "body": orjson.loads(chunk)} for chunk in chunks),
    ]

    assert "ok" == checked(told)


@pytest.mark.parametrize("vendor", ["cohere", "mistral"])
def test_a_call_keeps_nothing_that_a_stream_or_another_vendor_added(vendor: str) -> None:
    body: Any = sent(vendor, TRAVELLED)["body"]

    (made,) = body["messages"][2]["tool_calls"]
    assert {**CALL, "function": {"name": "weather", "arguments": "{}"}}.items() >= made.items()
    assert {"id", "type", "function"} == made.keys()


@pytest.mark.parametrize("vendor", ["cohere", "mistral"])
def test_a_function_that_says_nothing_of_its_parameters_takes_none(vendor: str) -> None:
    body: Any = sent(vendor, TRAVELLED, tools=[BARE])["body"]

    (tool,) = body["tools"]
    expected = {"name": "now", "parameters": {"type": "object", "properties": {}}}
    assert {"type": "function", "function": expected} == tool


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (4096, "medium"), (20_000, "high")])
def test_mistral_is_told_in_its_own_word_how_hard_to_think(budget: int, effort: str) -> None:
    thinking: JsonObject = {"type": "enabled", "budget_tokens": budget}

    body: Any = sent("mistral", TRAVELLED, thinking=thinking)["body"]

    assert (effort, False) == (body["reasoning_effort"], "thinking" in body)


def test_cohere_thinks_as_it_sees_fit_where_a_caller_leaves_it_open() -> None:
    body: Any = sent("cohere", TRAVELLED, thinking={"type": "adaptive"})["body"]

    assert {"type": "enabled"} == body["thinking"]


@pytest.mark.parametrize(("told", "expected"), [("model_length", "length"), ("error", "stop")])
def test_mistrals_own_words_for_an_end_are_openais(told: str, expected: str) -> None:
    body: Any = orjson.loads(WIRES["openai"].reply)
    body["choices"][0]["finish_reason"] = told

    reply: Any = spoken("mistral").reply(call(), orjson.dumps(body)).body

    assert expected == reply["choices"][0]["finish_reason"]

"""How hard to think, told to each model in words that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shared.controls import Handling
from shared.domain import Endpoint
from shared.errors import BadRequest
from shared.providers.registry import request_for
from tests.providers.calls import call, deployment

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

ADAPTIVE: JsonObject = {"type": "adaptive"}
BUDGET: JsonObject = {"type": "enabled", "budget_tokens": 4096}
SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}}


def sent(provider: str, model: str, endpoint: Endpoint = Endpoint.CHAT, **asked: Json) -> Any:  # noqa: ANN401 - a vendor's own JSON
    body: JsonObject = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 9000,
        **asked,
    }
    to = deployment(provider, model=model, handling=Handling(drop_params="dropping" in model))
    return orjson.loads(request_for(call(body, endpoint), to).body)


def told(body: Any) -> tuple[object, object]:  # noqa: ANN401 - as above
    return body.get("thinking"), (body.get("output_config") or {}).get("effort")


@pytest.mark.parametrize(
    ("model", "asked", "expected"),
    [
        ("claude-opus-5", {"thinking": BUDGET}, (ADAPTIVE, "medium")),
        ("claude-opus-4-7", {"thinking": BUDGET}, (ADAPTIVE, "medium")),
        ("claude-opus-4-6", {"thinking": BUDGET}, (BUDGET, None)),
        ("claude-sonnet-4-5", {"thinking": BUDGET}, (BUDGET, None)),
        (
            "claude-sonnet-4-5",
            {"thinking": ADAPTIVE},
            ({"type": "enabled", "budget_tokens": 2048}, None),
        ),
        ("claude-opus-4-6", {"reasoning_effort": "xhigh"}, (ADAPTIVE, "high")),
        ("claude-opus-5", {"reasoning_effort": "xhigh"}, (ADAPTIVE, "xhigh")),
        ("claude-opus-5", {"reasoning_effort": "none"}, ({"type": "disabled"}, None)),
        ("claude-fable-5", {"reasoning_effort": "none"}, (None, "low")),
        ("claude-mythos-5", {"thinking": {"type": "disabled"}}, (None, None)),
        (
            "claude-opus-5",
            {"thinking": BUDGET, "output_config": {"effort": "max"}},
            (ADAPTIVE, "max"),
        ),
    ],
)
def test_a_claude_is_told_in_the_words_of_its_generation(
    model: str, asked: dict[str, Any], expected: object
) -> None:
    assert expected == told(sent("anthropic", model, **asked))
    extra = sent("bedrock", f"eu.anthropic.{model}-v1:0", **asked).get(
        "additionalModelRequestFields", {}
    )
    assert expected == told(extra)


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("openai.gpt-oss-120b-1:0", "low", {"reasoning_effort": "low"}),
        ("us.deepseek.v3-v1:0", "high", {"reasoning_effort": "high"}),
        ("openai.gpt-5.5", "high", {"reasoning": {"effort": "high"}}),
        (
            "us.amazon.nova-2-lite-v1:0",
            "xhigh",
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
        ),
        ("amazon.nova-2-lite-v1:0", "none", {"reasoningConfig": {"type": "disabled"}}),
    ],
)
def test_each_maker_on_bedrock_has_words_of_its_own(
    model: str, effort: str, expected: JsonObject
) -> None:
    body = sent("bedrock", model, reasoning_effort=effort)

    assert expected == body["additionalModelRequestFields"]


def test_who_does_not_think_on_bedrock_is_not_asked_to() -> None:
    with pytest.raises(BadRequest, match="reasoning_effort"):
        sent("bedrock", "us.meta.llama4-maverick-17b-instruct-v1:0", reasoning_effort="low")


def test_a_coding_agents_effort_does_not_keep_it_from_models_that_know_none() -> None:
    asked: dict[str, Any] = {"thinking": ADAPTIVE, "output_config": {"effort": "high"}}

    body = sent("bedrock", "us.meta.llama4-maverick-17b-v1:0", Endpoint.MESSAGES, **asked)

    assert "additionalModelRequestFields" not in body


@pytest.mark.parametrize("effort", ["high", None])
def test_a_coding_agent_thinks_on_bedrock_as_it_does_at_anthropic(effort: str | None) -> None:
    shown: JsonObject = {**ADAPTIVE, "display": "summarized"}
    config: JsonObject = {"effort": effort} if effort else {}
    asked: dict[str, Any] = {"thinking": shown, "output_config": config}

    body = sent("bedrock", "eu.anthropic.claude-opus-5-v1:0", Endpoint.MESSAGES, **asked)

    assert (shown, effort) == told(body["additionalModelRequestFields"])


def test_a_coding_agents_effort_is_a_level_of_geminis() -> None:
    asked: dict[str, Any] = {"thinking": ADAPTIVE, "output_config": {"effort": "high"}}

    body = sent("gemini", "gemini-3.8-flash", Endpoint.MESSAGES, **asked)

    expected = {"thinkingLevel": "high", "includeThoughts": True}
    assert expected == body["generationConfig"]["thinkingConfig"]


@pytest.mark.parametrize("model", ["gpt-5", "gpt-6-sol", "gpt-6.1-sol", "o3", "gpt-5-chat-latest"])
def test_newer_models_get_the_newer_name_of_the_limit(model: str) -> None:
    body = sent("openai", model)

    assert (9000, False) == (body["max_completion_tokens"], "max_tokens" in body)


def test_what_a_thinking_model_refuses_is_left_out_where_that_is_allowed() -> None:
    asked: dict[str, Any] = {"temperature": 0.7, "stop": ["a"], "top_p": 1, "verbosity": "low"}

    body = sent("openai", "gpt-6-dropping", **asked)

    assert {"top_p", "verbosity"} == body.keys() & asked.keys()


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("gpt-6-sol", {}),
        ("gpt-6-dropping", {"reasoning_effort": "none"}),
        ("gpt-5-chat-dropping", {}),
        ("gpt-4o-dropping", {}),
    ],
)
def test_what_a_model_may_take_goes_to_it(model: str, asked: dict[str, Any]) -> None:
    assert 0.7 == sent("openai", model, temperature=0.7, **asked)["temperature"]


def test_an_answers_format_may_have_its_name_of_the_beta() -> None:
    given: Json = {"type": "json_schema", "schema": SCHEMA}

    body = sent("openai", "gpt-4o", Endpoint.MESSAGES, output_format=given)

    assert SCHEMA == body["response_format"]["json_schema"]["schema"]


def test_what_claude_cannot_be_held_to_is_told_in_words() -> None:
    loose: JsonObject = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "description": "In years."},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 9}, "minItems": 2},
            "pet": {"oneOf": [{"$ref": "#/$defs/Pet"}, {"type": "null"}]},
        },
        "required": ["age"],
        "$defs": {"Pet": {"type": "object", "properties": {"born": {"format": "date"}}}},
    }
    form: Json = {"type": "json_schema", "json_schema": {"name": "a", "schema": loose}}

    body = sent("anthropic", "claude-opus-5", response_format=form)

    assert {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": "In years.\n\n{minimum: 0}"},
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": "{maxLength: 9}"},
                "description": "{minItems: 2}",
            },
            "pet": {"anyOf": [{"$ref": "#/$defs/Pet"}, {"type": "null"}]},
        },
        "required": ["age"],
        "$defs": {
            "Pet": {
                "type": "object",
                "properties": {"born": {"format": "date"}},
                "additionalProperties": False,
            }
        },
        "additionalProperties": False,
    } == body["output_config"]["format"]["schema"]


@pytest.mark.parametrize("provider", ["anthropic", "bedrock"])
@pytest.mark.parametrize(("is_strict", "said"), [(True, "{minimum: 0}"), (False, '"minimum":0')])
def test_only_strict_tools_are_fitted(provider: str, said: str, *, is_strict: bool) -> None:
    parameters: Json = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}}
    function: Json = {"name": "f", "strict": is_strict, "parameters": parameters}

    body = sent(provider, "claude-opus-5", tools=[{"type": "function", "function": function}])

    assert said in orjson.dumps(body).decode()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("together/deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1:together"),
        ("deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1"),
        ("deepseek-ai/DeepSeek-R1:fastest", "deepseek-ai/DeepSeek-R1:fastest"),
    ],
)
def test_hugging_face_is_told_behind_the_model_who_runs_it(model: str, expected: str) -> None:
    assert expected == sent("huggingface", model)["model"]

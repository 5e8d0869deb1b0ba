"""What a deployment says of parameters: defaults, what is left out, what is sent all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.controls import Handling
from shared.domain import Endpoint
from shared.errors import BadRequest
from shared.providers.parameters import prepared
from shared.providers.registry import request_for
from tests.providers.calls import HELLO, call, deployment

if TYPE_CHECKING:
    from shared.domain import JsonObject

TOOLS: JsonObject = {"tools": [{"a": 1, "b": {"c": 2}}, {"a": 3}]}


def body_with(body: JsonObject, **changed: Any) -> JsonObject:  # noqa: ANN401 - any field
    return dict(prepared(call({**HELLO, **body}), deployment(**changed)).body)


def dropping(*paths: str) -> Handling:
    return Handling(additional_drop_params=paths)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tools", None),
        ("tools[*].a", [{"b": {"c": 2}}, {}]),
        ("tools[0].a", [{"b": {"c": 2}}, {"a": 3}]),
        ("tools[*].b.c", [{"a": 1, "b": {}}, {"a": 3}]),
        ("tools[*]", TOOLS["tools"]),
        ("tools.a", TOOLS["tools"]),
        ("nothing[*].a", TOOLS["tools"]),
        ("", TOOLS["tools"]),
    ],
)
def test_what_is_to_be_dropped_is_found_by_its_path(path: str, expected: object) -> None:
    body = body_with(TOOLS, handling=dropping(path))

    assert expected == body.get("tools")


@pytest.mark.parametrize("path", ["model", "messages", "messages[*].content", "stream"])
def test_a_call_keeps_what_makes_it_one(path: str) -> None:
    assert HELLO == body_with({}, handling=dropping(path))


@given(path=st.text(alphabet="ab.[]*0\\", max_size=12))
def test_no_path_breaks_a_call(path: str) -> None:
    assert HELLO.items() <= body_with({"a": [{"b": 1}]}, handling=dropping(path)).items()


def test_a_deployments_defaults_stand_where_the_caller_is_silent() -> None:
    body = body_with({"temperature": 1, "seed": None}, defaults={"temperature": 0, "seed": 7})

    assert (1, 7) == (body["temperature"], body["seed"])


def test_a_callers_limit_goes_before_a_default_of_either_name() -> None:
    body = body_with({"max_completion_tokens": 5}, defaults={"max_tokens": 9})

    assert "max_tokens" not in body


def test_an_embedding_has_no_defaults_of_a_chat() -> None:
    asked = call({"model": "fast", "input": "a"}, Endpoint.EMBEDDING)

    assert "temperature" not in prepared(asked, deployment(defaults={"temperature": 0})).body


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "cohere", "gemini"])
def test_what_a_vendor_does_not_know_is_sent_where_it_is_allowed(provider: str) -> None:
    asked = call({**HELLO, "logit_bias": {"1": 2}})
    allowed = Handling(allowed_openai_params=("logit_bias",))

    with pytest.raises(BadRequest):
        request_for(asked, deployment(provider))
    request = request_for(asked, deployment(provider, handling=allowed))

    assert b'"logit_bias":{"1":2}' in request.body


def test_caller_and_deployment_both_say_what_is_left_out() -> None:
    to = deployment("anthropic", handling=dropping("seed"))

    request = request_for(call({**HELLO, "seed": 1, "temperature": 0.5}), to)

    assert "temperature" in orjson.loads(request.body)


@pytest.mark.parametrize("endpoint", [Endpoint.MESSAGES, Endpoint.RESPONSES, Endpoint.CONTENT])
def test_what_a_deployment_says_of_a_chat_holds_at_every_entrance(endpoint: Endpoint) -> None:
    asked: JsonObject = {
        "model": "fast",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hello"}],
        "input": "Hello",
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "top_p": 0.5,
        "generationConfig": {"topP": 0.5},
    }
    to = deployment("groq", defaults={"temperature": 0.25}, handling=dropping("top_p"))

    body = orjson.loads(request_for(call(asked, endpoint), to).body)

    assert 0.25 == body["temperature"]
    assert "top_p" not in body

"""Conversations that Anthropic and Bedrock would refuse, mended where `modify_params` says so."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.controls import Handling
from shared.errors import BadRequest
from shared.providers.mending import mended
from shared.providers.registry import request_for
from shared.providers.unsupported import Unsupported
from tests.providers.calls import call, deployment

MENDS = Handling(modify_params=True)
CALLED: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    ],
}
RESULT: dict[str, Any] = {"role": "tool", "tool_call_id": "a", "content": "rain"}
ASKED: dict[str, Any] = {"role": "user", "content": "Hello"}
both = pytest.mark.parametrize("provider", ["anthropic", "bedrock"])


def sent(provider: str, *messages: Any, handling: Handling = MENDS, **more: Any) -> Any:  # noqa: ANN401
    body = {"model": "fast", "messages": [*messages], **more}
    to = deployment(provider, handling=handling, max_output_tokens=100)
    return orjson.loads(request_for(call(body), to).body)


@both
def test_a_user_begins(provider: str) -> None:
    body = sent(provider, {"role": "system", "content": "Be brief."}, CALLED, RESULT)

    assert ["user", "assistant", "user"] == [message["role"] for message in body["messages"]]


@both
def test_a_call_without_a_result_gets_one_and_a_result_without_a_call_goes(provider: str) -> None:
    body = sent(provider, ASKED, CALLED, ASKED, {**RESULT, "tool_call_id": "nobodys"})

    told = orjson.dumps(body).decode()
    assert "The tool gave no result." in told
    assert "nobodys" not in told


@both
def test_tools_that_were_called_are_declared(provider: str) -> None:
    assert "dummy_tool" in orjson.dumps(sent(provider, ASKED, CALLED, RESULT)).decode()


@both
def test_a_limit_above_the_models_is_the_models(provider: str) -> None:
    told = orjson.dumps(sent(provider, ASKED, max_tokens=5_000)).decode()

    assert "5000" not in told
    assert "100" in told


@both
def test_thinking_that_cannot_go_on_is_left_out(provider: str) -> None:
    thinking = {"type": "enabled", "budget_tokens": 2_000}

    body = sent(provider, ASKED, CALLED, RESULT, thinking=thinking)

    assert "budget_tokens" not in orjson.dumps(body).decode()


def test_anthropic_is_told_of_a_tool_also_where_nothing_is_mended() -> None:
    body = sent("anthropic", ASKED, CALLED, RESULT, handling=Handling())

    assert ["dummy_tool"] == [tool["name"] for tool in body["tools"]]


def test_bedrock_refuses_undeclared_tools_with_what_to_do() -> None:
    with pytest.raises(BadRequest, match="modify_params"):
        sent("bedrock", ASKED, CALLED, RESULT, handling=Handling())


roles = st.lists(st.sampled_from([ASKED, CALLED, RESULT, {"role": "system", "content": "x"}]))


@given(messages=roles)
def test_what_was_mended_once_needs_no_more(messages: list[Any]) -> None:
    limits = Unsupported("anthropic", "fast", MENDS)

    once = mended({"messages": messages}, deployment(), limits)

    assert once == mended(once, deployment(), limits)

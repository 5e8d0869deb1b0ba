"""Bodies of calls are read as LiteLLM reads them, or refused by the name of what is wrong."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Call, Endpoint, Json, JsonObject
from shared.errors import GatewayError
from shared.wire.bodies import parse_object
from shared.wire.llm_requests import parse_call
from tests.wire.llm_bodies import (
    BODIES,
    CHAT,
    chat,
    parse,
    refusal,
)


def test_a_call_is_what_the_caller_asked_for() -> None:
    call = chat()

    assert ("own-id", Endpoint.CHAT, "gpt-4o", "10.0.0.1") == (
        call.id,
        call.endpoint,
        call.model,
        call.requester_ip,
    )
    assert (False, False, None, (), None, None, None, False, {}) == (
        call.is_stream,
        call.wants_usage_chunk,
        call.end_user,
        call.tags,
        call.num_retries,
        call.timeout,
        call.fallbacks,
        call.disable_fallbacks,
        call.metadata,
    )


@pytest.mark.parametrize(
    ("endpoint", "field", "route"),
    [
        (Endpoint.CHAT, "messages", "/chat/completions"),
        (Endpoint.CHAT, "model", "/chat/completions"),
        (Endpoint.COMPLETION, "prompt", "/completions"),
        (Endpoint.EMBEDDING, "input", "/embeddings"),
    ],
)
@pytest.mark.parametrize("is_null", [True, False])
def test_a_missing_parameter_is_named_in_litellms_words(
    endpoint: Endpoint,
    field: str,
    route: str,
    is_null: bool,  # noqa: FBT001
) -> None:
    body = dict(BODIES[endpoint])
    del body[field]

    error = refusal({**body, field: None} if is_null else body, endpoint=endpoint)

    assert (400, "invalid_request_error", field) == (error.status, error.type, error.param)
    assert f"{route}: Missing required parameter: '{field}'." == error.message


@pytest.mark.parametrize("field", ["api_base", "base_url", "api_key", "user_config"])
@pytest.mark.parametrize("value", ["http://evil", "", 0, {}])
def test_what_would_redirect_a_deployment_is_refused(field: str, value: Json) -> None:
    assert field == refusal({**CHAT, field: value}).param


BAD: list[tuple[str, Any]] = [
    *[("model", value) for value in ("", "a" * 256, "a\nb", "a\x7f", 5, True, ["a"], {})],
    *[("messages", value) for value in ("Hi", {}, [], ["Hi"], [{}], [None], [{"role": 5}], 5)],
    *[("messages", [{"role": "user", "content": value}]) for value in (5, True, {}, ["a"], [1])],
    *[
        (field, value)
        for field in ("max_tokens", "max_completion_tokens")
        for value in (-1, True, 1.5, "5", 10**9, 1e30, [], {})
    ],
    *[("n", value) for value in (0, -1, 129, True, 1.0, "1")],
    *[("best_of", value) for value in (0, 129, False)],
    *[("stream", value) for value in (1, 0, "true", [], "false")],
    *[("stream_options", value) for value in (True, [], "usage")],
    *[(field, value) for field in ("temperature", "top_p") for value in (-0.1, True, "1", [])],
    *[("temperature", value) for value in (math.nan, math.inf)],
    *[("frequency_penalty", value) for value in (True, "0", math.nan, {})],
    *[("stop", value) for value in (5, [5], {}, True)],
    *[("seed", value) for value in (1.5, True, "1")],
    *[("tools", value) for value in ({}, ["a"], "a", 5)],
    *[("tool_choice", value) for value in (5, [], True)],
    *[("response_format", value) for value in ("json", [], 5)],
    *[("logit_bias", value) for value in ([], 5)],
    *[("logprobs", value) for value in (-1, "yes", 1.5)],
    *[("top_logprobs", value) for value in (True, -1, 1000)],
    *[("user", value) for value in (5, True, "a" * 256, "a\nb", [], {}, 0, False)],
    *[("metadata", value) for value in ("a", [], 5, True)],
    *[("litellm_metadata", value) for value in ("a", [])],
    *[("tags", value) for value in ("a", {}, [5], [""], ["a\nb"], ["a"] * 101, ["a" * 256])],
    *[("fallbacks", value) for value in ("b", {}, [5], [{}], [""], [{"model": 5}], ["b"] * 101)],
    *[("fallbacks", [{"model": "b", "messages": []}]), ("fallbacks", [["b"]])],
    *[("num_retries", value) for value in (-1, True, 1.5, "1", 10**6)],
    *[("timeout", value) for value in (0, -1, True, "5", 10**6, math.nan, [])],
    *[("stream_timeout", value) for value in (0, "5")],
    *[("disable_fallbacks", value) for value in (1, "true")],
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_wrong_value_is_refused_with_its_parameter(field: str, value: Json) -> None:
    error = refusal({**CHAT, field: value})

    assert (400, field) == (error.status, error.param)
    assert error.message.startswith(f"/chat/completions: Invalid parameter: {field}")


@pytest.mark.parametrize(
    ("endpoint", "field", "value"),
    [
        *[
            (Endpoint.EMBEDDING, "input", value)
            for value in (
                *([], {}, 5, True, [True], [1.5], [-1], [2**40], [None], [[]], [["a"]]),
                *(["a", 1], [["a", 1]], ["a"] * 2_049, [[1]] * 2_049),
            )
        ],
        *[(Endpoint.EMBEDDING, "dimensions", value) for value in (0, -1, True, "5")],
        (Endpoint.EMBEDDING, "encoding_format", 5),
        *[
            (Endpoint.COMPLETION, "prompt", value)
            for value in ([], {}, 5, True, [1.5], [[]], [[True]], ["a", 5])
        ],
        (Endpoint.COMPLETION, "max_tokens", -1),
    ],
)
def test_wrong_inputs_of_other_endpoints_are_refused(
    endpoint: Endpoint, field: str, value: Json
) -> None:
    assert field == refusal({**BODIES[endpoint], field: value}, endpoint=endpoint).param


@pytest.mark.parametrize(
    ("endpoint", "field", "value"),
    [
        *[
            (Endpoint.EMBEDDING, "input", value)
            for value in ("", "a", ["a"], [1, 2], [[1], [2]], ["a"] * 2_048, [1] * 5_000)
        ],
        *[
            (Endpoint.COMPLETION, "prompt", value)
            for value in ("", "a", ["a"], [1, 2], [[1], [2]], ["a"] * 3_000)
        ],
        *[(Endpoint.CHAT, "max_tokens", value) for value in (0, 1, 10_000_000, None)],
        *[(Endpoint.CHAT, "temperature", value) for value in (0, 0.0, 2, 1.5, None)],
        *[(Endpoint.CHAT, "stop", value) for value in ("a", ["a", "b"], [], None)],
        *[(Endpoint.CHAT, "tool_choice", value) for value in ("auto", {"type": "function"})],
        *[(Endpoint.CHAT, "logprobs", value) for value in (True, False, 5)],
        *[
            (Endpoint.CHAT, "messages", [{"role": "assistant", "content": value, "x": 1}])
            for value in (None, "", "a", [], [{"type": "text", "text": "a"}])
        ],
        (Endpoint.CHAT, "messages", [{"role": "assistant", "tool_calls": []}]),
        (Endpoint.CHAT, "presence_penalty", -2),
        (Endpoint.CHAT, "user", ""),
        (Endpoint.CHAT, "a_parameter_of_next_year", {"deep": [1, "a", None]}),
    ],
)
def test_good_values_go_upstream_as_they_came(endpoint: Endpoint, field: str, value: Json) -> None:
    call = parse({**BODIES[endpoint], field: value}, endpoint=endpoint)

    assert value == call.body[field]


@pytest.mark.parametrize(
    ("endpoint", "stream", "options", "expected"),
    [
        (Endpoint.CHAT, True, None, (True, False)),
        (Endpoint.CHAT, False, None, (False, False)),
        (Endpoint.CHAT, None, None, (False, False)),
        (Endpoint.CHAT, True, {"include_usage": True}, (True, True)),
        (Endpoint.CHAT, True, {"include_usage": False}, (True, False)),
        (Endpoint.CHAT, True, {"include_usage": 1}, (True, False)),
        (Endpoint.COMPLETION, True, None, (True, False)),
        (Endpoint.EMBEDDING, True, None, (False, False)),
    ],
)
def test_a_stream_is_asked_for_where_there_are_streams(
    endpoint: Endpoint, stream: Json, options: Json, expected: tuple[bool, bool]
) -> None:
    body = {**BODIES[endpoint], "stream": stream, "stream_options": options}

    call = parse(body, endpoint=endpoint)

    assert expected == (call.is_stream, call.wants_usage_chunk)


def test_a_refusal_never_quotes_the_value() -> None:
    error = refusal({**CHAT, "max_tokens": "swordfish", "api_key": None})

    assert "swordfish" not in error.message


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
known = st.sampled_from(
    sorted(
        {field for field, _ in BAD} | {"input", "prompt", "dimensions", "cache", "mock_response"}
    )
)
names = st.sampled_from(
    [
        *("x-litellm-tags", "x-litellm-timeout", "x-litellm-num-retries"),
        *("x-litellm-end-user-id", "x-litellm-call-id"),
    ]
)


@given(
    st.sampled_from(sorted(BODIES)),
    st.dictionaries(known | text, values, max_size=5),
    st.dictionaries(names, st.text(max_size=10), max_size=3),
)
def test_no_body_and_no_header_raises_anything_but_a_4xx(
    endpoint: Endpoint, fields: JsonObject, headers: dict[str, str]
) -> None:
    raw = orjson.dumps({**BODIES[endpoint], **fields})

    try:
        outcome: object = parse_call(endpoint, parse_object(raw), headers, id="1")
    except GatewayError as error:
        outcome = error.status

    assert isinstance(outcome, Call) or outcome in {400, 413}

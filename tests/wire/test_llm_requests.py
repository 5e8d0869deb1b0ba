from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from shared.domain import Call, Endpoint, Json, JsonObject
from shared.errors import BadRequest, GatewayError
from shared.wire.bodies import parse_object
from shared.wire.llm_requests import parse_call

if TYPE_CHECKING:
    from collections.abc import Mapping

CHAT: JsonObject = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
COMPLETION: JsonObject = {"model": "gpt-4o", "prompt": "Once"}
EMBEDDING: JsonObject = {"model": "embed", "input": "Hi"}
MESSAGES: JsonObject = {**CHAT, "max_tokens": 100}
BODIES = {
    Endpoint.MESSAGES: MESSAGES,
    Endpoint.COUNT_TOKENS: MESSAGES,
    Endpoint.CHAT: CHAT,
    Endpoint.COMPLETION: COMPLETION,
    Endpoint.EMBEDDING: EMBEDDING,
    Endpoint.RESPONSES: {"model": "gpt-4o", "input": "Hi"},
    Endpoint.MODERATION: {"input": "Hi"},
    Endpoint.RERANK: {"model": "rank", "query": "Hi", "documents": ["Ho"]},
    Endpoint.IMAGE: {"model": "image", "prompt": "A cat"},
    Endpoint.IMAGE_EDIT: {"model": "image", "prompt": "A cat"},
    Endpoint.SPEECH: {"model": "say", "input": "Hi", "voice": "alloy"},
    Endpoint.TRANSCRIPTION: {"model": "hear"},
}


def parse(
    body: JsonObject,
    headers: Mapping[str, str] | None = None,
    endpoint: Endpoint = Endpoint.CHAT,
) -> Call:
    return parse_call(endpoint, body, Headers(headers), id="own-id", requester_ip="10.0.0.1")


def chat(fields: JsonObject | None = None, headers: Mapping[str, str] | None = None) -> Call:
    return parse({**CHAT, **(fields or {})}, headers)


def refusal(
    body: JsonObject,
    headers: Mapping[str, str] | None = None,
    endpoint: Endpoint = Endpoint.CHAT,
) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse(body, headers, endpoint)
    return caught.value


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
    "field",
    [
        *("metadata", "litellm_metadata", "tags", "cache", "guardrails", "fallbacks"),
        *("disable_fallbacks", "num_retries", "timeout", "stream_timeout", "mock_response"),
        *("mock_timeout", "mock_testing_fallbacks", "litellm_session_id", "request_timeout"),
        *("max_retries", "context_window_fallbacks", "content_policy_fallbacks"),
    ],
)
def test_what_is_said_to_the_gateway_does_not_go_upstream(field: str) -> None:
    call = chat({field: None, "user": "ann"})

    assert {*CHAT, "user"} == call.body.keys()


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


@pytest.mark.parametrize(
    ("fields", "headers", "end_user"),
    [
        ({}, {}, None),
        ({"user": "ann"}, {}, "ann"),
        ({"user": "ann"}, {"X-LiteLLM-End-User-Id": "bob"}, "bob"),
        ({}, {"x-litellm-customer-id": "cy", "x-litellm-end-user-id": "bob"}, "cy"),
        ({"metadata": {"user_id": "cid"}}, {}, "cid"),
        ({"user": "ann", "metadata": {"user_id": "cid"}}, {}, "ann"),
        ({"metadata": {"user_id": 5}}, {}, None),
        ({"metadata": {"user_id": "a" * 300}}, {}, None),
        ({"user": ""}, {}, None),
        ({}, {"x-litellm-end-user-id": "  "}, None),
    ],
)
def test_the_end_user_is_named_by_header_or_body(
    fields: JsonObject, headers: dict[str, str], end_user: str | None
) -> None:
    assert end_user == chat(fields, headers).end_user


def test_the_user_still_goes_upstream() -> None:
    assert "ann" == chat({"user": "ann"}).body["user"]


def test_tags_come_from_body_metadata_and_header_each_once() -> None:
    call = chat(
        {"tags": ["a", "b"], "metadata": {"tags": ["b", "c"], "x": 1}},
        {"x-litellm-tags": "c, d,,e"},
    )

    assert ("a", "b", "c", "d", "e") == call.tags
    assert {"x": 1} == call.metadata


def test_litellms_own_metadata_wins_over_the_other() -> None:
    call = chat({"metadata": {"a": 1, "b": 1}, "litellm_metadata": {"b": 2}})

    assert {"a": 1, "b": 2} == call.metadata


def test_metadata_over_64_kb_is_too_large() -> None:
    error = refusal({**CHAT, "metadata": {"a": "x" * 66_000}})

    assert (413, "metadata") == (error.status, error.param)


@pytest.mark.parametrize(
    ("fields", "headers", "notes"),
    [
        ({}, {}, {}),
        ({"metadata": {"spend_logs_metadata": {"a": 1}}}, {}, {"a": 1}),
        ({"litellm_metadata": {"spend_logs_metadata": {"a": 1}}}, {}, {"a": 1}),
        (
            {"metadata": {"spend_logs_metadata": {"a": 1}}},
            {"x-litellm-spend-logs-metadata": '{"b": 2}'},
            {"b": 2},
        ),
        ({"metadata": {"spend_logs_metadata": "no object"}}, {}, {}),
    ],
)
def test_what_is_to_be_found_again_comes_from_metadata_or_header(
    fields: JsonObject, headers: dict[str, str], notes: JsonObject
) -> None:
    assert notes == orjson.loads(chat(fields, headers).trace.notes)


def test_more_than_8_kb_to_be_found_again_is_too_large() -> None:
    error = refusal({**CHAT, "metadata": {"spend_logs_metadata": {"a": "x" * 9_000}}})

    assert (413, "spend_logs_metadata") == (error.status, error.param)


@pytest.mark.parametrize("tags", ["a", [5], ["a\nb"], ["a"] * 101])
def test_wrong_tags_in_metadata_are_refused(tags: Json) -> None:
    assert "metadata.tags" == refusal({**CHAT, "metadata": {"tags": tags}}).param


@pytest.mark.parametrize(
    ("fields", "headers", "retries", "timeout"),
    [
        ({"num_retries": 1, "timeout": 5}, {}, 1, 5.0),
        ({"num_retries": 1}, {"x-litellm-num-retries": "0"}, 0, None),
        ({"timeout": 5}, {"x-litellm-timeout": "2.5"}, None, 2.5),
        ({"timeout": 5, "stream_timeout": 1}, {}, None, 5.0),
        ({"timeout": 5, "stream_timeout": 1, "stream": True}, {}, None, 1.0),
        ({"timeout": 5, "stream": True}, {}, None, 5.0),
        ({"stream": True}, {"x-litellm-timeout": "9", "x-litellm-stream-timeout": "1"}, None, 1.0),
        ({"stream": True, "stream_timeout": 1}, {"x-litellm-timeout": "9"}, None, 9.0),
        ({}, {"x-litellm-timeout": "9", "x-litellm-stream-timeout": "1"}, None, 9.0),
    ],
)
def test_retries_and_timeouts_are_the_headers_else_the_bodys(
    fields: JsonObject, headers: dict[str, str], retries: int | None, timeout: float | None
) -> None:
    call = chat(fields, headers)

    assert (retries, timeout) == (call.num_retries, call.timeout)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-litellm-timeout", "soon"),
        ("x-litellm-timeout", "0"),
        ("x-litellm-timeout", "-1"),
        ("x-litellm-timeout", "1e309"),
        ("x-litellm-timeout", "NaN"),
        ("x-litellm-timeout", "true"),
        ("x-litellm-timeout", "[1]"),
        ("x-litellm-stream-timeout", "soon"),
        ("x-litellm-spend-logs-metadata", "{bad"),
        ("x-litellm-spend-logs-metadata", "[1]"),
        ("x-litellm-spend-logs-metadata", '{"a": "\\u0000"}'),
        ("x-litellm-num-retries", "1.5"),
        ("x-litellm-num-retries", "-1"),
        ("x-litellm-num-retries", "many"),
        ("x-litellm-tags", "a\x01b"),
        ("x-litellm-tags", "," * 5 + "a," * 101),
        ("x-litellm-end-user-id", "a" * 256),
        ("x-litellm-end-user-id", "a\x85b"),
        ("x-litellm-call-id", "a" * 256),
        ("x-litellm-call-id", "a\tb"),
    ],
)
def test_a_hostile_header_is_refused_by_name(name: str, value: str) -> None:
    assert name == refusal(CHAT, {name: value}).param


def test_the_callers_id_is_reported_and_never_the_calls_own() -> None:
    call = chat(headers={"x-litellm-call-id": "theirs"})

    assert ("own-id", "theirs") == (call.id, call.trace.reported_id)


@pytest.mark.parametrize(
    ("value", "fallbacks"),
    [(None, None), ([], ()), (["b", "c"], ("b", "c")), ([{"model": "b"}, "c"], ("b", "c"))],
)
def test_fallbacks_are_names_of_models(value: Json, fallbacks: tuple[str, ...] | None) -> None:
    assert fallbacks == chat({"fallbacks": value}).fallbacks


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

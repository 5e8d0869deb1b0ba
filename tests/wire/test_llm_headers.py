"""What headers and metadata say to the gateway: tags, end users, retries, timeouts, ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from shared.domain import Endpoint
from tests.wire.llm_bodies import (
    CHAT,
    chat,
    parse,
    refusal,
)

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject


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


def test_a_response_is_stored_with_its_callers_words_and_none_of_the_gateways() -> None:
    told: JsonObject = {"topic": "cats", "tags": ["a"], "spend_logs_metadata": {"b": 1}}
    body: JsonObject = {"model": "gpt-4o", "input": "Hi", "metadata": told}

    call = parse(body, endpoint=Endpoint.RESPONSES)

    assert {"topic": "cats"} == call.body["metadata"]


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

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ContentPolicyViolated, ContextWindowExceeded, ProviderFailed
from shared.providers.clean import MAX_MESSAGE, clean
from shared.providers.failures import failure, failure_inside


def told(status: int, error: object) -> ProviderFailed:
    return failure(status, {}, orjson.dumps({"error": error}))


@pytest.mark.parametrize(
    ("status", "type_", "retryable"),
    [
        (400, "invalid_request_error", False),
        (401, "authentication_error", True),
        (402, "insufficient_quota", True),
        (403, "permission_error", True),
        (404, "not_found_error", False),
        (408, "timeout_error", True),
        (409, "invalid_request_error", True),
        (413, "invalid_request_error", False),
        (422, "invalid_request_error", False),
        (429, "throttling_error", True),
        (500, "internal_server_error", True),
        (503, "service_unavailable", True),
        (504, "timeout_error", True),
        (529, "internal_server_error", True),
    ],
)
def test_the_status_decides(status: int, type_: str, *, retryable: bool) -> None:
    failed = told(status, {"message": "Rate limit 429 timeout overloaded"})

    assert (status, type_, retryable) == (failed.status, failed.type, failed.retryable)


@pytest.mark.parametrize("status", [0, 204, 302, 399, 600, 999])
def test_a_status_that_is_no_error_is_a_bad_gateway(status: int) -> None:
    assert 502 == told(status, {"message": "x"}).status


@pytest.mark.parametrize(
    "error",
    [
        {"message": "This model's maximum context length is 8192 tokens.", "param": "messages"},
        {"message": "too long", "code": "context_length_exceeded"},
        {"message": "prompt is too long: 210000 tokens > 200000 maximum"},
        {"message": "Current length is 9000 while limit is 8192"},
        {"message": "the request exceeds the available context size"},
    ],
)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_prompt_that_is_too_long_is_told_from_other_bad_requests(
    status: int, error: object
) -> None:
    failed = told(status, error)

    assert isinstance(failed, ContextWindowExceeded)
    assert (400, False) == (failed.status, failed.retryable)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "flagged", "code": "content_policy_violation"},
        {"message": "Your request was rejected as a result of our safety system."},
        {"message": "The response was filtered due to … content management policy."},
        {"message": "Invalid prompt: violating our usage policy."},
    ],
)
def test_a_prompt_nobody_there_will_answer_is_told_from_other_bad_requests(error: object) -> None:
    failed = told(400, error)

    assert isinstance(failed, ContentPolicyViolated)
    assert 400 == failed.status


def test_a_breakdown_that_speaks_of_context_is_still_a_breakdown() -> None:
    failed = told(500, {"message": "maximum context length"})

    assert ProviderFailed is type(failed)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"why","param":"p"}}',
        b'{"error":"why"}',
        b'{"message":"why"}',
        b'{"detail":"why"}',
        b'{"detail":[{"loc":["body"],"msg":"why"}]}',
        b'{"object":"error","message":{"detail":[{"msg":"why","type":"extra_forbidden"}]}}',
        b'[{"error":{"message":"why","code":400}}]',
        b"why",
        b" why\n",
    ],
)
def test_the_providers_sentence_is_found_in_any_shape(body: bytes) -> None:
    assert "why" == failure(400, {}, body).message


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>why</html>", b"null", b'{"error":null}'])
def test_without_a_sentence_the_status_is_told(body: bytes) -> None:
    assert "The provider answered 503 without saying why." == failure(503, {}, body).message


def test_the_offending_parameter_is_passed_on() -> None:
    assert "temperature" == told(400, {"message": "x", "param": "temperature"}).param


def test_a_refused_key_is_said_to_be_the_gateways_and_not_shown() -> None:
    failed = told(401, {"message": "Incorrect API key provided: sk-proj-abc***xyz."})

    assert "authentication_error" == failed.type
    assert "gateway's credentials" in failed.message
    assert "abc" not in failed.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.2"}, 1),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 2),
        ({"retry-after": "999999999"}, 86400),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30,
        ),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_in_seconds(headers: dict[str, str], seconds: int | None) -> None:
    assert seconds == failure(429, headers, b"").retry_after


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "x", "code": 429}, 429),
        ({"message": "x", "code": "503"}, 503),
        ({"message": "x", "code": "rate_limit_exceeded"}, 429),
        ({"message": "Overloaded", "type": "overloaded_error"}, 503),
        ({"message": "x", "type": "invalid_request_error"}, 400),
        ({"message": "x", "code": 200}, 502),
        ("gone", 502),
        ({}, 502),
    ],
)
def test_an_error_without_status_has_the_one_its_words_say(error: object, status: int) -> None:
    failed = failure_inside({"error": error})  # pyright: ignore[reportArgumentType] - any JSON

    assert status == failed.status


@given(st.integers(0, 999), st.binary(max_size=200))
def test_any_error_answer_is_a_failure_with_an_error_status(status: int, body: bytes) -> None:
    failed = failure(status, {}, body)

    assert 400 <= failed.status <= 599
    assert 0 < len(failed.message) <= MAX_MESSAGE


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-AbCdEf123456789",
        "sk-ant-api03-xxxxxxxxxxxx",
        "gsk_AbCdEf1234567890",
        "Bearer abc.def.ghi",
        "AIzaSyA1234567890abcdefghijk",
        "http://vllm.internal:8000/v1/chat",
        "https://10.0.3.7/v1",
        "https://llm.corp.internal/v1",
        "https://user:pass@example.com/x",
        "https://example.com/x?key=abc",
        "http://vllm/v1",
        "10.0.3.7:8000",
        "localhost:11434",
    ],
)
def test_secrets_and_inner_addresses_are_not_shown(secret: str) -> None:
    shown = clean(f"cannot use {secret} now")

    assert secret not in shown
    assert shown.startswith("cannot use [")
    assert shown.endswith("] now")


def test_public_pages_are_shown() -> None:
    message = "See https://platform.openai.com/docs/guides/error-codes. Bye (https://x.ai)."

    assert message == clean(message)


def test_control_characters_become_spaces_and_length_is_bounded() -> None:
    assert "a b c" == clean("a\x00b\r\nc")
    assert MAX_MESSAGE == len(clean("x" * 1_000_000))


@pytest.mark.parametrize(
    "message",
    [
        "Input is too long for requested model.",
        "ValidationException: Too many input tokens. Max input tokens: 200000",
        "Malformed input request: expected maxLength: 100, actual: 200",
        "String too long. Expected a string with maximum length 1048576",
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
    ],
)
def test_every_vendors_words_for_too_long_are_known(message: str) -> None:
    assert isinstance(told(400, {"message": message}), ContextWindowExceeded)


def test_a_long_name_of_a_user_is_no_long_prompt() -> None:
    message = "Invalid 'user': string too long. Expected a string with maximum length 64"

    failed = told(400, {"message": message, "code": "string_above_max_length"})

    assert not isinstance(failed, ContextWindowExceeded)


@pytest.mark.parametrize(
    ("message", "secret"),
    [
        ("User: arn:aws:sts::123456789012:assumed-role/gw/x is not authorized", "123456789012"),
        ("Denied on '//aiplatform.googleapis.com/projects/mine-1/locations/eu'", "mine-1"),
        ("Account a@mine-1.iam.gserviceaccount.com lacks a role", "mine-1"),
        ("Rate limit reached in organization org-AbCdEf123456 on tokens", "org-AbCdEf123456"),
        ("The key AKIAIOSFODNN7EXAMPLE is not valid", "AKIAIOSFODNN7EXAMPLE"),
    ],
)
def test_accounts_of_the_operator_are_not_the_callers_business(message: str, secret: str) -> None:
    assert secret not in told(403, {"message": message}).message

"""The Responses API where a vendor speaks it: through as it came, usage read in passing."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Endpoint
from shared.errors import ProviderFailed
from shared.providers.registry import dialect_of
from tests.providers.calls import decoded, deployment
from tests.providers.responses import CODEX, response_call, shown

NATIVE = dialect_of("openai", Endpoint.RESPONSES)
USAGE = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 2},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 12,
}


def event(kind: str, **fields: object) -> bytes:
    return (
        f"event: {kind}\n".encode() + b"data: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"
    )


def response(**fields: object) -> dict[str, object]:
    return {"id": "resp_1", "object": "response", "error": None, "output": [], **fields}


STREAM = b"".join(
    [
        event("response.created", response=response(), sequence_number=0),
        event("response.output_text.delta", delta="Hello", sequence_number=1),
        event("response.new_kind", anything=1, sequence_number=2),
        event("response.completed", response=response(usage=USAGE), sequence_number=3),
    ]
)


def test_the_body_goes_up_as_it_came_but_for_the_models_name() -> None:
    request = NATIVE.request(response_call(CODEX), deployment())

    assert "https://api.example.com/v1/responses" == request.url
    assert {**CODEX, "model": "gpt-4o"} == orjson.loads(request.body)


@given(st.integers(0, len(STREAM)))
def test_every_event_comes_through_however_the_bytes_are_cut(cut: int) -> None:
    events = decoded(NATIVE.decoder(response_call(CODEX)), STREAM[:cut], STREAM[cut:])

    assert [0, 1, 2, 3] == [each["sequence_number"] for each in shown(events)]
    usage = events[-1].usage
    assert usage is not None
    assert (7, 5, 2, 3) == (
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cached_tokens,
        usage.reasoning_tokens,
    )
    assert [False, False, False, True] == [each.is_done for each in events]


def test_a_failed_response_is_shown_and_is_a_failure() -> None:
    told = response(error={"code": "server_error", "message": "It broke."}, status="failed")

    (last,) = NATIVE.decoder(response_call(CODEX)).feed(event("response.failed", response=told))

    assert last.data is not None
    assert last.error is not None
    assert "It broke." == last.error.message


def test_a_stream_that_ends_early_is_a_failure() -> None:
    events = decoded(NATIVE.decoder(response_call(CODEX)), STREAM[:200])

    assert events[-1].error is not None


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"x", b'{"error":{"message":"no","code":"server_error"},"output":[]}']
)
def test_an_answer_that_is_none_is_a_failure(body: bytes) -> None:
    with pytest.raises(ProviderFailed):
        NATIVE.reply(response_call(), body)

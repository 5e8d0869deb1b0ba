from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.wire.sessions import session_of

if TYPE_CHECKING:
    from shared.domain import JsonObject

UUID = "e96634a3-fa28-4083-b354-55542e2dca01"


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        ({}, None),
        ({"x-litellm-trace-id": "t", "x-litellm-session-id": "s"}, "t"),
        ({"x-litellm-session-id": "s", "x-claude-code-session-id": UUID}, "s"),
        ({"x-claude-code-session-id": UUID, "x-session-id": "another-one"}, UUID),
        ({"x-claude-code-session-id": "short"}, None),
        ({"x-claude-code-session-id": "with a blank"}, None),
        ({"x-session-id": UUID}, UUID),
        ({"session-id": UUID}, None),
        ({"session-id": UUID, "user-agent": "codex_cli_rs/0.141.0"}, UUID),
        ({"x-litellm-trace-id": "a" * 256}, None),
        ({"x-litellm-trace-id": ""}, None),
    ],
)
def test_headers_name_the_session(headers: dict[str, str], session: str | None) -> None:
    assert session == session_of(headers, {}, {})


@pytest.mark.parametrize(
    ("body", "metadata", "session"),
    [
        ({"litellm_session_id": "s", "litellm_trace_id": "t"}, {"session_id": "m"}, "s"),
        ({"litellm_trace_id": "t"}, {"session_id": "m"}, "t"),
        ({}, {"session_id": "m", "trace_id": "u"}, "m"),
        ({}, {"trace_id": "u"}, "u"),
        ({}, {"user_id": f"user_1_account__session_{UUID}"}, UUID),
        ({}, {"user_id": {"session_id": UUID}}, UUID),
        ({}, {"user_id": "ann"}, None),
        ({"litellm_session_id": 5}, {"session_id": ["m"]}, None),
        ({"litellm_session_id": "a\nb"}, {}, None),
    ],
)
def test_where_no_header_does_the_body_names_the_session(
    body: JsonObject, metadata: JsonObject, session: str | None
) -> None:
    assert session == session_of({}, body, metadata)


def test_a_header_goes_before_the_body() -> None:
    assert "h" == session_of({"x-litellm-trace-id": "h"}, {"litellm_trace_id": "b"}, {})

"""Which session of its caller a call belongs to, so that its ledger rows can be read together.

As LiteLLM does (get_chain_id_from_headers in its proxy/litellm_pre_call_utils.py, version 1.106,
read 2026-11): its own headers, those of agents, then the body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.domain import Json, JsonObject

_OURS: Final = ("x-litellm-trace-id", "x-litellm-session-id")
_CODEX: Final = ("session-id", "session_id", "thread-id", "conversation_id")
_PLAUSIBLE: Final = re.compile(r"[A-Za-z0-9_-]{8,255}")
_IN_USER_ID: Final = re.compile(r".*_session_([A-Za-z0-9_-]+)")
_LONGEST: Final = 255


def session_of(headers: Mapping[str, str], body: JsonObject, metadata: JsonObject) -> str | None:
    """Name the session; what cannot be one is passed over, for nobody was asked to send any."""
    return next(_named(headers, body, metadata), None)


def _named(headers: Mapping[str, str], body: JsonObject, metadata: JsonObject) -> Iterator[str]:
    yield from _fit(headers.get(name) for name in _OURS)
    yield from _of_agents(headers)
    yield from _fit(body.get(name) for name in ("litellm_session_id", "litellm_trace_id"))
    yield from _fit(metadata.get(name) for name in ("session_id", "trace_id"))
    yield from _in_user_id(metadata.get("user_id"))


def _fit(values: Iterator[Json]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable():
            yield value


def _of_agents(headers: Mapping[str, str]) -> Iterator[str]:
    """Read `x-claude-code-session-id` and its like, Codex's bare names, then a bare session."""
    of_vendors = [
        headers[name]
        for name in headers
        if name.startswith("x-") and name.endswith("-session-id") and name not in _OURS
    ]
    is_codex = headers.get("user-agent", "").lower().startswith("codex")
    of_codex = [headers.get(name, "") for name in _CODEX if is_codex]
    for value in (*of_vendors, *of_codex, headers.get("x-session-id", "")):
        if _PLAUSIBLE.fullmatch(value):
            yield value


def _in_user_id(user_id: Json) -> Iterator[str]:
    """Read what Claude Code writes there: `user_…_account_…_session_UUID`, or an object."""
    if isinstance(user_id, dict):
        yield from _fit(iter([user_id.get("session_id")]))
    elif isinstance(user_id, str) and (found := _IN_USER_ID.fullmatch(user_id)):
        yield from _fit(iter([found.group(1)]))

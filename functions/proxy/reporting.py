"""What a call leaves behind for its caller (headers) and its operators (one log line)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.limits.refusals import headroom
from shared.observability import RequestLine, request_line
from shared.runtime.http import safe_headers
from shared.wire.reply_headers import ReplyFacts, reply_headers

if TYPE_CHECKING:
    from shared.errors import GatewayError
    from shared.gateway.running import Running


def report(running: Running, route: str) -> None:
    """Log a call that was admitted, with what the ledger would need to know of it."""
    usage = running.billed_usage()
    error = running.error
    request_line(
        RequestLine(
            route=route,
            status=200 if error is None else error.status,
            total_ms=running.timings.total_ms,
            overhead_ms=running.timings.overhead_ms,
            request_id=running.call.id,
            key_id=running.principal.key.entity_id[:12],
            model=running.call.model,
            nanodollars=running.cost,
            steps=running.timings.by_step,
            fields={
                "deployment": running.deployment.id,
                "team_id": running.principal.key.team_id,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "attempts": len(running.tried),
                "failure": error.type if error else None,
            },
        )
    )


def report_refusal(route: str, error: GatewayError) -> None:
    """Log a call that was not served."""
    request_line(
        RequestLine(
            route=route,
            status=error.status,
            total_ms=0,
            overhead_ms=0,
            refusal=error.type,
        )
    )

"""What a call leaves behind for its caller (headers) and its operators (one log line)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Nanodollars
from shared.limits.refusals import headroom
from shared.observability import RequestLine, request_line
from shared.wire.checks import MAX_NAME
from shared.wire.reply_headers import ReplyFacts, refusal_headers, reply_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.errors import GatewayError
    from shared.gateway.running import Running


def reply_headers_of(running: Running, *, is_stream: bool) -> dict[str, str]:
    """Tell the caller how its call went; a stream's cost is not known when its reply begins."""
    call, key, deployment = running.call, running.principal.key, running.deployment
    fallbacks = max(len({running.quotes[turn].group for turn in running.tried}) - 1, 0)
    cost = None if is_stream else running.billed_cost()
    spent, router = running.spent_before, running.gateway.config.router
    return reply_headers(
        ReplyFacts(
            call_id=call.trace.reported_id or call.id,
            model_group=running.named,
            model_id=deployment.id,
            model_name=deployment.model,
            api_base=deployment.api_base,
            cost=cost,
            key_spend=None if spent is None else Nanodollars(spent + (cost or 0)),
            key_max_budget=key.max_budget,
            key_rpm_limit=key.rpm_limit,
            key_tpm_limit=key.tpm_limit,
            attempted_retries=max(len(running.tried) - 1 - fallbacks, 0),
            attempted_fallbacks=fallbacks,
            max_retries=router.num_retries if call.num_retries is None else call.num_retries,
            duration_ms=running.timings.total_ms,
            overhead_ms=running.timings.overhead_ms,
            cache_key=running.caching.lookup.name
            if running.caching and running.admitted.is_hit
            else None,
            rate_limits=headroom(running.plan.rates, running.admitted.used),
            of_vendor=running.vendor_headers,
        )
    )


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


def ids_of_refusal(headers: Mapping[str, str], call_id: str) -> dict[str, str]:
    """Tell by which id a call is found that was refused: the caller's own if there is one."""
    told = headers.get("x-litellm-call-id", "").strip()
    is_fit = 0 < len(told) <= MAX_NAME and told.isprintable()
    return refusal_headers(told if is_fit else call_id)


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

"""What a million calls cost on AWS at each front door, and how much runs at once.

Prices are of us-east-1 and arm64, without free tiers, read in November 2026; every other number
is an assumption that stands in the first table. docs/operations.md shows what this prints.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars, each per what its name says."""

    lambda_gb_second: float = 0.0000133334
    lambda_million_requests: float = 0.20
    rest_api_million_requests: float = 3.50
    http_api_million_requests: float = 1.00
    web_vcpu_second: float = 0.0000089944  # not published to us: Fargate's on arm64 stands in
    web_gb_second: float = 0.0000009889  # likewise
    redis_million_commands: float = 2.00
    log_gb: float = 0.50


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a call is like; `web_` is about web functions."""

    memory_gb: float = 0.5
    cpu_ms: float = 8.0
    redis_commands: float = 2.0
    log_kb: float = 1.5
    cold_share: float = 0.01
    cold_seconds: float = 0.6
    web_memory_gb: float = 4.0
    web_calls_at_once: float = 32.0


PRICES: Final = Prices()
ASSUMED: Final = Assumptions()
SECONDS: Final = (0.5, 2.0, 10.0, 60.0)
RATES: Final = (1, 10, 50, 200)
CALL_SECONDS: Final = 10.0
WEB_LIMIT: Final = 64
DRAIN_ROWS_A_SECOND: Final = 5_000  # a batch of 500 in one statement; measured 67,000 alone


def function_cost(seconds: float, door: float, a: Assumptions = ASSUMED) -> float:
    """Price a million calls of this length, each of which has a function to itself."""
    duration = seconds + a.cold_share * a.cold_seconds
    compute = duration * a.memory_gb * PRICES.lambda_gb_second * MILLION
    return compute + PRICES.lambda_million_requests + door + _beside(a)


def web_cost(seconds: float, a: Assumptions = ASSUMED) -> float:
    """Price a million calls that share environments and are billed by CPU time."""
    cpu = a.cpu_ms / 1000 * PRICES.web_vcpu_second * MILLION
    memory = seconds / a.web_calls_at_once * a.web_memory_gb * PRICES.web_gb_second * MILLION
    return cpu + memory + PRICES.lambda_million_requests + _beside(a)


def _beside(a: Assumptions) -> float:
    redis = a.redis_commands * PRICES.redis_million_commands
    return redis + a.log_kb * MILLION / 1_000_000 * PRICES.log_gb


def tables() -> str:
    """Write the assumptions, the costs and the capacity as Markdown."""
    return f"{_assumptions()}\n\n{_costs()}\n\n{_capacity()}"


def _assumptions() -> str:
    a = ASSUMED
    rows = [
        ("memory of a function", f"{a.memory_gb:g} GB"),
        ("CPU time of the gateway for a call", f"{a.cpu_ms:g} ms"),
        ("Redis commands of a call", f"{a.redis_commands:g}"),
        ("log of a call", f"{a.log_kb:g} KB"),
        ("cold starts", f"{a.cold_share:.0%} of calls, {a.cold_seconds:g} s each"),
        ("memory of a web function's environment", f"{a.web_memory_gb:g} GB"),
        ("calls at once in a web function's environment", f"{a.web_calls_at_once:g}"),
        ("Lambda", f"${PRICES.lambda_gb_second:.10f} a GB-second, $0.20 a million requests"),
        (
            "web function",
            (
                f"${PRICES.web_vcpu_second:.10f} a vCPU-second, ${PRICES.web_gb_second:.10f} a "
                "GB-second (Fargate's on arm64 in the place of prices we could not read)"
            ),
        ),
        ("REST API, HTTP API", "$3.50 and $1.00 a million requests"),
        ("Upstash Redis", f"${PRICES.redis_million_commands:.2f} a million commands"),
        ("CloudWatch Logs", f"${PRICES.log_gb:.2f} a GB"),
    ]
    return _table(("assumed", ""), rows)


def _costs() -> str:
    doors = (
        ("REST API, streamed", lambda s: function_cost(s, PRICES.rest_api_million_requests)),
        ("HTTP API, buffered", lambda s: function_cost(s, PRICES.http_api_million_requests)),
        ("Function URL, streamed", lambda s: function_cost(s, 0.0)),
        ("Lambda web function", web_cost),
    )
    head = ("dollars a million calls of", *(f"{s:g} s" for s in SECONDS))
    # An HTTP API gives up after 30 s.
    return _table(
        head,
        [
            (
                name,
                *(
                    "-" if name.startswith("HTTP") and s > 30 else f"{price(s):.2f}"  # noqa: PLR2004
                    for s in SECONDS
                ),
            )
            for name, price in doors
        ],
    )


def _capacity() -> str:
    head = (
        f"calls a second, of {CALL_SECONDS:g} s",
        "function environments",
        f"web environments at {WEB_LIMIT} calls",
        "Redis commands a second",
        "share of what the ledger drains",
    )
    return _table(
        head,
        [
            (
                f"{rate}",
                f"{math.ceil(rate * CALL_SECONDS)}",
                f"{math.ceil(rate * CALL_SECONDS / WEB_LIMIT)}",
                f"{rate * ASSUMED.redis_commands:g}",
                f"{rate / DRAIN_ROWS_A_SECOND:.1%}",
            )
            for rate in RATES
        ],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""The headers that tell a caller how its call went, under LiteLLM's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from shared.domain import NANODOLLARS_PER_DOLLAR
from shared.wire.header_values import safe_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Nanodollars


_IDS: Final = ("x-request-id", "request-id", "x-litellm-call-id")
"""Where OpenAI's SDKs, Anthropic's and LiteLLM's users read the id of a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFacts:
    """What is known of a call when its reply begins; None leaves a header out.

    `cost` is None for a stream: it is known only after the last byte. `key_spend` includes this
    call. `rate_limits` (`x-ratelimit-…`) and `of_vendor` are whole headers; times in milliseconds.
    """

    call_id: str
    model_group: str
    model_id: str | None = None
    model_name: str | None = None
    api_base: str | None = None
    cost: Nanodollars | None = None
    key_spend: Nanodollars | None = None
    key_max_budget: Nanodollars | None = None
    key_rpm_limit: int | None = None
    key_tpm_limit: int | None = None
    attempted_retries: int = 0
    attempted_fallbacks: int = 0
    max_retries: int | None = None
    duration_ms: float | None = None
    overhead_ms: float | None = None
    timeout_seconds: float | None = None
    cache_key: str | None = None
    rate_limits: Mapping[str, str] = field(default_factory=dict[str, str])
    of_vendor: Mapping[str, str] = field(default_factory=dict[str, str])


def reply_headers(facts: ReplyFacts) -> dict[str, str]:
    """Write the headers; every value can be sent, whatever text the facts hold."""
    told = {
        **facts.of_vendor,
        **dict.fromkeys(_IDS, facts.call_id),
        "x-litellm-model-group": facts.model_group,
        "x-litellm-model-id": facts.model_id,
        "x-litellm-model-name": facts.model_name,
        "x-litellm-model-api-base": _without_query(facts.api_base),
        "x-litellm-response-cost": _dollars(facts.cost),
        "x-litellm-response-cost-original": _dollars(facts.cost) or "0.0",
        "x-litellm-key-spend": _dollars(facts.key_spend),
        "x-litellm-key-max-budget": _dollars(facts.key_max_budget),
        "x-litellm-key-rpm-limit": _number(facts.key_rpm_limit),
        "x-litellm-key-tpm-limit": _number(facts.key_tpm_limit),
        "x-litellm-attempted-retries": _number(facts.attempted_retries),
        "x-litellm-attempted-fallbacks": _number(facts.attempted_fallbacks),
        "x-litellm-max-retries": _number(facts.max_retries),
        "x-litellm-response-duration-ms": _number(facts.duration_ms),
        "x-litellm-overhead-duration-ms": _number(facts.overhead_ms),
        "x-litellm-timeout": _number(facts.timeout_seconds),
        "x-litellm-cache-key": facts.cache_key,
        **facts.rate_limits,
    }
    return safe_headers({name: value for name, value in told.items() if value is not None})


def refusal_headers(call_id: str) -> dict[str, str]:
    """Write what a refused call is found by."""
    return safe_headers(dict.fromkeys(_IDS, call_id))


def _without_query(url: str | None) -> str | None:
    """Keep of an address what leads there: no query, no user, no fragment."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _dollars(amount: Nanodollars | None) -> str | None:
    """Write nanodollars as dollars, exactly and without an exponent."""
    if amount is None:
        return None
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), NANODOLLARS_PER_DOLLAR)
    decimals = f"{part:09}".rstrip("0") or "0"
    return f"{sign}{whole}.{decimals}"


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    return str(value) if isinstance(value, int) else f"{value:.3f}"

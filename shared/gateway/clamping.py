"""Shorten an answer to what a budget can still bear (`litellm_settings.clamp_max_tokens`).

Admit refuses a call whose dearest answer does not fit. Where the remainder bears the prompt and
some words, the call is asked again with the largest `max_tokens` that fits, which goes upstream.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.domain import Endpoint, Nanodollars
from shared.gateway.quotes import reservation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config.model import Config
    from shared.domain import Call
    from shared.gateway.quotes import Quote
    from shared.storage.admission import NoBudget
    from shared.storage.plans import Plan

LEAST_TOKENS: Final = 16
"""A shorter answer is none; OpenAI's Responses take no smaller limit (docs, read 2026-11)."""
_MOST_TOKENS: Final = 1 << 20
_NAMES: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_WRITTEN: Final = frozenset(
    {Endpoint.CHAT, Endpoint.COMPLETION, Endpoint.RESPONSES, Endpoint.MESSAGES}
)


def room_of(plan: Plan, refused: NoBudget) -> Nanodollars:
    """Return what is left of the budget that refused."""
    limit = plan.budgets[refused.budget].limit or 0
    return Nanodollars(limit - refused.spent - refused.reserved)


def clamped(call: Call, config: Config, quotes: Sequence[Quote], room: Nanodollars) -> Call | None:
    """Return the call with the longest answer that `room` bears, None where that is none at all."""

    def fits(tokens: int) -> bool:
        return reservation(with_most(call, tokens), config, quotes) <= room

    if not config.litellm.clamp_max_tokens or call.endpoint not in _WRITTEN:
        return None
    least = max(LEAST_TOKENS, _thinking(call) + 1)
    if not fits(least) or fits(_MOST_TOKENS):
        return None
    most = _MOST_TOKENS
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if fits(middle) else (least, middle)
    return with_most(call, least)


def with_most(call: Call, tokens: int) -> Call:
    """Bound the answer, under the name that the caller bounds it by."""
    given = {name: call.body[name] for name in _NAMES if isinstance(call.body.get(name), int)}
    name = "max_output_tokens" if call.endpoint is Endpoint.RESPONSES else "max_tokens"
    asked = given or {name: tokens}
    smaller = {name: min(int(str(value)), tokens) for name, value in asked.items()}
    return replace(call, body={**call.body, **smaller})


def _thinking(call: Call) -> int:
    """Read what Anthropic's models may think: an answer must be longer than that."""
    thinking = call.body.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return budget if isinstance(budget, int) and not isinstance(budget, bool) else 0

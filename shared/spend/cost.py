"""What a call costs, in whole nanodollars: exact, and rounded up once.

Pure. Whatever a provider claims, the answer lies between 0 and MAX_COST.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal
from typing import TYPE_CHECKING, Final

from shared.domain import NANODOLLARS_PER_DOLLAR, Nanodollars, Usage

if TYPE_CHECKING:
    from shared.spend.prices import Price, Rates, Units

MAX_TOKENS: Final = 1_000_000_000
MAX_COST: Final = Nanodollars(10**15)
"""A million dollars for one request: no call costs that, and Redis still counts it exactly."""

# Enough digits for every sum of tokens times price to be exact; should somebody write a price
# with hundreds of digits, the error is on the safe side.
_EXACT: Final = Context(prec=200, rounding=ROUND_CEILING)
NOTHING: Final = Usage()
_NANODOLLARS: Final = Decimal(NANODOLLARS_PER_DOLLAR)


def cost(price: Price, usage: Usage) -> Nanodollars:
    """Return what this usage costs. Parts beyond their whole are not counted twice."""
    prompt = _tokens(usage.prompt_tokens)
    completion = _tokens(usage.completion_tokens)
    cached = min(_tokens(usage.cached_tokens), prompt)
    created = min(_tokens(usage.cache_creation_tokens), prompt - cached)
    reasoning = min(_tokens(usage.reasoning_tokens), completion)
    rates = price.rates_for(prompt)
    return _nanodollars(
        price.per_request,
        (rates.input, prompt - cached - created),
        (rates.cache_read, cached),
        (rates.cache_creation, created),
        (rates.output, completion - reasoning),
        (rates.reasoning, reasoning),
        *_counted(price.units, usage),
    )


def upper_bound(
    price: Price,
    prompt_tokens: int,
    completion_tokens: int,
    n: int = 1,
    counted: Usage = NOTHING,
) -> Nanodollars:
    """Return the most a call of at most so many tokens can cost, `n` completions of them.

    `counted` is what it may use beside tokens.
    """
    prompt, completion = _tokens(prompt_tokens), _tokens(_tokens(completion_tokens) * _tokens(n))
    reachable = [price.rates, *(tier.rates for tier in price.tiers if prompt > tier.above)]
    return _nanodollars(
        price.per_request,
        (max(map(_dearest_input, reachable)), prompt),
        (max(max(rates.output, rates.reasoning) for rates in reachable), completion),
        *_counted(price.units, counted),
    )


def _counted(units: Units, usage: Usage) -> list[tuple[Decimal, int]]:
    return [
        (units.query, _tokens(usage.queries)),
        (units.image, _tokens(usage.images)),
        (units.character, _tokens(usage.characters)),
        (units.second.scaleb(-3), _tokens(usage.milliseconds)),
        (units.image_token, _tokens(usage.image_tokens)),
    ]


def _dearest_input(rates: Rates) -> Decimal:
    return max(rates.input, rates.cache_read, rates.cache_creation)


def _tokens(claimed: int) -> int:
    return min(max(claimed, 0), MAX_TOKENS)


def _nanodollars(per_request: Decimal, *parts: tuple[Decimal, int]) -> Nanodollars:
    dollars = per_request
    for rate, tokens in parts:
        if tokens and rate:
            dollars = _EXACT.add(dollars, _EXACT.multiply(rate, Decimal(tokens)))
    nanodollars = _EXACT.multiply(dollars, _NANODOLLARS)
    if nanodollars >= MAX_COST:
        return MAX_COST
    return Nanodollars(int(nanodollars.to_integral_value(ROUND_CEILING, _EXACT)))

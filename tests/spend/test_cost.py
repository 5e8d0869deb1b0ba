from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Usage
from shared.spend.cost import MAX_COST, MAX_TOKENS, cost, upper_bound
from shared.spend.prices import Price, Rates, Tier

GPT_4O = Price(Rates.of({"i": Decimal("2.5e-6"), "o": Decimal("1e-5"), "c": Decimal("1.25e-6")}))

AMOUNTS = st.decimals(min_value=0, max_value="0.001", places=17)
RATES = st.builds(Rates, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
COUNTS = st.integers(0, 3_000_000)
CLAIMS = st.integers(-(10**20), 10**20)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    above = sorted(draw(st.sets(st.integers(0, 400_000), max_size=3)))
    return Price(
        rates=draw(RATES),
        tiers=tuple(Tier(threshold, draw(RATES)) for threshold in above),
        per_request=draw(AMOUNTS),
    )


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    prompt, completion = draw(COUNTS), draw(COUNTS)
    cached = draw(st.integers(0, prompt))
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        cache_creation_tokens=draw(st.integers(0, prompt - cached)),
        reasoning_tokens=draw(st.integers(0, completion)),
    )


def exact_cost(price: Price, usage: Usage) -> int:
    """The definition, in fractions of a dollar."""
    rates = price.rates
    for tier in price.tiers:
        if usage.prompt_tokens > tier.above:
            rates = tier.rates
    uncached = usage.prompt_tokens - usage.cached_tokens - usage.cache_creation_tokens
    dollars = (
        Fraction(price.per_request)
        + Fraction(rates.input) * uncached
        + Fraction(rates.cache_read) * usage.cached_tokens
        + Fraction(rates.cache_creation) * usage.cache_creation_tokens
        + Fraction(rates.output) * (usage.completion_tokens - usage.reasoning_tokens)
        + Fraction(rates.reasoning) * usage.reasoning_tokens
    )
    return ceil(dollars * 10**9)


@given(prices(), usages())
def test_the_cost_is_exact_and_rounded_up_once(price: Price, usage: Usage) -> None:
    assert exact_cost(price, usage) == cost(price, usage)


@given(prices(), usages(), COUNTS, COUNTS)
def test_no_usage_within_its_bounds_costs_more_than_the_upper_bound(
    price: Price, usage: Usage, more_prompt: int, more_completion: int
) -> None:
    prompt, completion = (
        usage.prompt_tokens + more_prompt,
        usage.completion_tokens + more_completion,
    )

    assert cost(price, usage) <= upper_bound(price, prompt, completion)


@given(prices(), usages(), COUNTS, COUNTS)
def test_more_tokens_never_cost_less_within_a_tier(
    price: Price, usage: Usage, more_prompt: int, more_completion: int
) -> None:
    flat = replace(price, tiers=())
    more = replace(
        usage,
        prompt_tokens=usage.prompt_tokens + more_prompt,
        completion_tokens=usage.completion_tokens + more_completion,
    )

    assert cost(flat, usage) <= cost(flat, more)


@given(prices(), st.builds(Usage, CLAIMS, CLAIMS, CLAIMS, CLAIMS, CLAIMS))
def test_whatever_is_claimed_the_cost_is_one(price: Price, claimed: Usage) -> None:
    assert 0 <= cost(price, claimed) <= MAX_COST


@given(prices(), st.integers(-5, 10**20), st.integers(-5, 10**20), st.integers(-5, 10**6))
def test_an_upper_bound_is_a_cost_too(price: Price, prompt: int, completion: int, n: int) -> None:
    assert 0 <= upper_bound(price, prompt, completion, n) <= MAX_COST


def test_cached_tokens_have_their_own_price() -> None:
    assert 2_500 * 60 + 1_250 * 40 + 10_000 * 10 == cost(GPT_4O, Usage(100, 10, cached_tokens=40))


def test_a_fraction_of_a_nanodollar_is_rounded_up() -> None:
    cheap = Price(Rates.of({"i": Decimal("1.3e-10")}))

    assert [0, 1, 2, 13] == [cost(cheap, Usage(tokens)) for tokens in (0, 1, 8, 100)]


def test_the_whole_request_has_the_price_of_its_tier() -> None:
    tiered = replace(GPT_4O, tiers=(Tier(200_000, Rates.of({"i": Decimal("5e-6")})),))

    assert 2_500 * 200_000 == cost(tiered, Usage(200_000))
    assert 5_000 * 200_001 == cost(tiered, Usage(200_001))


def test_parts_beyond_their_whole_are_not_counted_twice() -> None:
    claimed = Usage(10, 10, cached_tokens=99, cache_creation_tokens=99, reasoning_tokens=99)

    assert 1_250 * 10 + 10_000 * 10 == cost(GPT_4O, claimed)


def test_n_completions_are_bounded_n_times() -> None:
    assert 2_500 * 100 + 10_000 * 30 == upper_bound(GPT_4O, 100, 10, n=3)


@pytest.mark.parametrize("rate", ["1e6", "1e-400", "1e400"])
def test_an_absurd_price_is_survived(rate: str) -> None:
    absurd = Price(Rates.of({"i": Decimal(rate)}))

    assert 0 <= cost(absurd, Usage(MAX_TOKENS)) <= MAX_COST

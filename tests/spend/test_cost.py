from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Usage
from shared.spend.cost import MAX_COST, MAX_TOKENS, Kinds, cost, upper_bound
from shared.spend.prices import Price, Rates, Tier, Units

GPT_4O = Price(Rates.of({"i": Decimal("2.5e-6"), "o": Decimal("1e-5"), "c": Decimal("1.25e-6")}))

AMOUNTS = st.decimals(min_value=0, max_value="0.001", places=17)
RATES = st.builds(Rates, *[AMOUNTS] * 12)
SHARES = st.decimals(min_value=0, max_value=2, places=4)
COUNTINGS = st.sampled_from(["each", "once", "always"])
UNITS = st.builds(Units, *[AMOUNTS] * 5, COUNTINGS, *[AMOUNTS] * 3)
COUNTS = st.integers(0, 3_000_000)
CLAIMS = st.integers(-(10**20), 10**20)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    above = sorted(draw(st.sets(st.integers(0, 400_000), max_size=3)))
    return Price(
        rates=draw(RATES),
        tiers=tuple(Tier(threshold, draw(RATES)) for threshold in above),
        per_request=draw(AMOUNTS),
        units=draw(UNITS),
        factor=draw(SHARES),
        surcharge=draw(AMOUNTS),
    )


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    prompt, completion = draw(COUNTS), draw(COUNTS)
    cached = draw(st.integers(0, prompt))
    created = draw(st.integers(0, prompt - cached))
    audio = draw(st.integers(0, prompt - cached - created))
    cached_audio = draw(st.integers(0, cached))
    cached_image = draw(st.integers(0, cached - cached_audio))
    reasoning = draw(st.integers(0, completion))
    spoken = draw(st.integers(0, completion - reasoning))
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        cache_creation_tokens=created,
        hour_cache_tokens=draw(st.integers(0, created)),
        audio_tokens=audio + cached_audio,
        image_tokens=draw(st.integers(0, prompt - cached - created - audio)) + cached_image,
        cached_audio_tokens=cached_audio,
        cached_image_tokens=cached_image,
        reasoning_tokens=reasoning,
        spoken_tokens=spoken,
        drawn_tokens=draw(st.integers(0, completion - reasoning - spoken)),
        searches=draw(st.integers(0, 30)),
        file_searches=draw(st.integers(0, 30)),
        map_searches=draw(st.integers(0, 30)),
        containers=draw(st.integers(0, 3)),
        images=draw(st.integers(0, 10)),
        milliseconds=draw(st.integers(0, 100_000)),
    )


def exact_cost(price: Price, usage: Usage) -> int:
    """The definition, in fractions of a dollar."""
    rates = price.rates
    for tier in price.tiers:
        if usage.prompt_tokens > tier.above:
            rates = tier.rates
    priced = [
        (rates.cached_audio, usage.cached_audio_tokens),
        (rates.cached_image, usage.cached_image_tokens),
        (
            rates.cache_read,
            usage.cached_tokens - usage.cached_audio_tokens - usage.cached_image_tokens,
        ),
        (rates.cache_creation, usage.cache_creation_tokens - usage.hour_cache_tokens),
        (rates.hour_cache, usage.hour_cache_tokens),
        (rates.audio, usage.audio_tokens - usage.cached_audio_tokens),
        (rates.image, usage.image_tokens - usage.cached_image_tokens),
        (rates.reasoning, usage.reasoning_tokens),
        (rates.spoken, usage.spoken_tokens),
        (rates.drawn, usage.drawn_tokens),
    ]
    inside = sum(count for _, count in priced[:7])
    written = sum(count for _, count in priced[7:])

    def billed(searches: int) -> int:
        counted = {"each": searches, "once": min(searches, 1), "always": 1}
        return counted[price.units.counting]

    images_are_tokens = usage.drawn_tokens > 0 and rates.drawn > 0
    priced += [
        (rates.input, usage.prompt_tokens - inside),
        (rates.output, usage.completion_tokens - written),
        (price.units.search, billed(usage.searches)),
        (price.units.map_search, billed(usage.map_searches)),
        (price.units.file_search, usage.file_searches),
        (price.units.container, usage.containers),
        (price.units.image, 0 if images_are_tokens else usage.images),
    ]
    dollars = Fraction(price.per_request) + sum(Fraction(rate) * count for rate, count in priced)
    dollars += Fraction(price.units.second) * Fraction(usage.milliseconds, 1000)
    dollars = dollars * Fraction(price.factor) + Fraction(price.surcharge)
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

    assert cost(price, usage) <= upper_bound(price, prompt, completion, counted=usage)


@given(prices(), usages())
def test_a_prompt_of_text_alone_needs_no_reservation_for_other_kinds(
    price: Price, usage: Usage
) -> None:
    text = replace(
        usage,
        audio_tokens=0,
        image_tokens=0,
        hour_cache_tokens=0,
        cached_audio_tokens=0,
        cached_image_tokens=0,
    )
    prompt, completion = text.prompt_tokens, text.completion_tokens
    plain = Kinds(attached=False, hour_cache=False)

    bound = upper_bound(price, prompt, completion, counted=text, kinds=plain)

    assert cost(price, text) <= bound <= upper_bound(price, prompt, completion, counted=text)


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


@given(prices(), st.builds(Usage, *[CLAIMS] * 10, st.booleans(), *[CLAIMS] * 10))
def test_whatever_is_claimed_the_cost_is_one(price: Price, claimed: Usage) -> None:
    assert 0 <= cost(price, claimed) <= MAX_COST


@given(prices(), st.integers(-5, 10**20), st.integers(-5, 10**20), st.integers(-5, 10**6))
def test_an_upper_bound_is_a_cost_too(price: Price, prompt: int, completion: int, n: int) -> None:
    assert 0 <= upper_bound(price, prompt, completion, n) <= MAX_COST


def test_cached_tokens_have_their_own_price() -> None:
    assert 2_500 * 60 + 1_250 * 40 + 10_000 * 10 == cost(GPT_4O, Usage(100, 10, cached_tokens=40))


def test_a_cache_for_an_hour_costs_more_than_one_for_minutes() -> None:
    claude = Price(Rates.of({"i": Decimal(3), "w": Decimal("3.75"), "l": Decimal(6)}))
    usage = Usage(10, cache_creation_tokens=5, hour_cache_tokens=2)

    assert (3 * 5 + 3.75 * 3 + 6 * 2) * 10**9 == cost(claude, usage)


def test_audio_that_came_from_the_cache_is_not_billed_as_audio_too() -> None:
    price = Price(Rates.of({"i": Decimal(1), "c": Decimal("0.5"), "a": Decimal(9)}))
    usage = Usage(10, cached_tokens=8, audio_tokens=10)

    assert (0.5 * 8 + 9 * 2) * 10**9 == cost(price, usage)


def test_audio_from_the_cache_has_a_price_of_its_own_where_the_vendor_tells_of_it() -> None:
    letters = {"i": Decimal(1), "c": Decimal("0.5"), "a": Decimal(9), "u": Decimal(2)}
    usage = Usage(20, cached_tokens=8, audio_tokens=9, cached_audio_tokens=6)

    assert (0.5 * 2 + 2 * 6 + 9 * 3 + 1 * 9) * 10**9 == cost(Price(Rates.of(letters)), usage)


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

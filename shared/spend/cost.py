"""What a call costs, in whole nanodollars: exact, and rounded up once.

Pure. Whatever a provider claims, the answer lies between 0 and MAX_COST.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import TYPE_CHECKING, Final

from shared.domain import NANODOLLARS_PER_DOLLAR, Nanodollars, Usage
from shared.spend.prices import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.spend.prices import Price, Rates, Units


@dataclass(frozen=True, slots=True)
class Kinds:
    """What a prompt may be made of beside text: things attached, a cache that lasts an hour."""

    attached: bool = True
    hour_cache: bool = True


ANY_KIND: Final = Kinds()
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
    rates = price.rates_for(prompt)
    return _nanodollars(
        price,
        *_prompt_parts(rates, prompt, usage),
        *_completion_parts(rates, usage),
        *_counted(price.units, usage, images=_images(rates, usage)),
    )


def upper_bound(
    price: Price,
    prompt_tokens: int,
    completion_tokens: int,
    n: int = 1,
    counted: Usage = NOTHING,
    *,
    kinds: Kinds = ANY_KIND,
) -> Nanodollars:
    """Return the most a call of at most so many tokens can cost, `n` completions of them.

    `counted` is what it may use beside tokens, `kinds` what its prompt may be made of.
    """
    prompt, completion = _tokens(prompt_tokens), _tokens(_tokens(completion_tokens) * _tokens(n))
    reachable = [price.rates, *(tier.rates for tier in price.tiers if prompt > tier.above)]
    return _nanodollars(
        price,
        (max(_dearest_input(rates, kinds) for rates in reachable), prompt),
        (max(map(_dearest_output, reachable)), completion),
        *_counted(price.units, counted, images=_tokens(counted.images)),
    )


def _prompt_parts(rates: Rates, prompt: int, usage: Usage) -> Iterator[tuple[Decimal, int]]:
    """Divide a prompt; what came from the cache, or went into it, is not billed by its kind too."""
    cached = min(_tokens(usage.cached_tokens), prompt)
    created = min(_tokens(usage.cache_creation_tokens), prompt - cached)
    for_an_hour = min(_tokens(usage.hour_cache_tokens), created)
    rest = prompt - cached - created
    cached_audio = min(_tokens(usage.cached_audio_tokens), cached)
    cached_image = min(_tokens(usage.cached_image_tokens), cached - cached_audio)
    audio = min(_tokens(usage.audio_tokens - cached_audio), rest)
    image = min(_tokens(usage.image_tokens - cached_image), rest - audio)
    yield rates.cache_read, cached - cached_audio - cached_image
    yield rates.cached_audio, cached_audio
    yield rates.cached_image, cached_image
    yield rates.cache_creation, created - for_an_hour
    yield rates.hour_cache, for_an_hour
    yield rates.audio, audio
    yield rates.image, image
    yield rates.input, rest - audio - image


def _completion_parts(rates: Rates, usage: Usage) -> Iterator[tuple[Decimal, int]]:
    completion = _tokens(usage.completion_tokens)
    reasoning = min(_tokens(usage.reasoning_tokens), completion)
    spoken = min(_tokens(usage.spoken_tokens), completion - reasoning)
    drawn = min(_tokens(usage.drawn_tokens), completion - reasoning - spoken)
    yield rates.reasoning, reasoning
    yield rates.spoken, spoken
    yield rates.drawn, drawn
    yield rates.output, completion - reasoning - spoken - drawn


def _images(rates: Rates, usage: Usage) -> int:
    """Count the images that are billed by the piece: none where their tokens are."""
    return 0 if usage.drawn_tokens > 0 and rates.drawn > 0 else _tokens(usage.images)


def _counted(units: Units, usage: Usage, *, images: int) -> list[tuple[Decimal, int]]:
    return [
        (units.query, _tokens(usage.queries)),
        (units.image, images),
        (units.character, _tokens(usage.characters)),
        (units.second.scaleb(-3), _tokens(usage.milliseconds)),
        (units.search, units.billed_searches(_tokens(usage.searches))),
        (units.map_search, units.billed_searches(_tokens(usage.map_searches))),
        (units.file_search, _tokens(usage.file_searches)),
        (units.container, _tokens(usage.containers)),
    ]


def _dearest_input(rates: Rates, kinds: Kinds) -> Decimal:
    return max(
        rates.input,
        rates.cache_read,
        rates.cache_creation,
        rates.hour_cache if kinds.hour_cache else ZERO,
        *(_of_attached(rates) if kinds.attached else ()),
    )


def _of_attached(rates: Rates) -> tuple[Decimal, ...]:
    return rates.audio, rates.image, rates.cached_audio, rates.cached_image


def _dearest_output(rates: Rates) -> Decimal:
    return max(rates.output, rates.reasoning, rates.spoken, rates.drawn)


def _tokens(claimed: int) -> int:
    return min(max(claimed, 0), MAX_TOKENS)


def _nanodollars(price: Price, *parts: tuple[Decimal, int]) -> Nanodollars:
    dollars = price.per_request
    for rate, tokens in parts:
        if tokens and rate:
            dollars = _EXACT.add(dollars, _EXACT.multiply(rate, Decimal(tokens)))
    dollars = _EXACT.add(_EXACT.multiply(dollars, price.factor), price.surcharge)
    nanodollars = _EXACT.multiply(dollars, _NANODOLLARS)
    if nanodollars >= MAX_COST:
        return MAX_COST
    return Nanodollars(int(nanodollars.to_integral_value(ROUND_CEILING, _EXACT)))

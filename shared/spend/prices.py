"""What a deployment charges: its own price, else its base model's or its model's in the table.

The table is a public list, reduced by requirements/make_price_table.py, which also says how to
read a row. Prices are decimals of the text they were written as, never floats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.domain import Deployment

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)

SearchCounting = Literal["each", "once", "always"]
SearchSize = Literal["low", "medium", "high"]
"""How much of what a web search finds goes into the prompt; some vendors price it apart."""

_TABLE_FILE: Final = Path(__file__).with_name("table") / "prices.json"
_LETTERS: Final = {
    "input_cost_per_token": "i",
    "output_cost_per_token": "o",
    "cache_read_input_token_cost": "c",
    "cache_creation_input_token_cost": "w",
    "cache_creation_input_token_cost_above_1hr": "l",
    "cache_creation_input_token_cost_above_12hr": "l",
    "cache_read_input_audio_token_cost": "u",
    "cache_read_input_image_token_cost": "v",
    "output_cost_per_reasoning_token": "r",
    "input_cost_per_audio_token": "a",
    "output_cost_per_audio_token": "b",
    "input_cost_per_image_token": "g",
    "output_cost_per_image_token": "e",
    "input_cost_per_request": "q",
    "input_cost_per_query": "k",
    "input_cost_per_image": "m",
    "output_cost_per_image": "m",
    "input_cost_per_character": "h",
    "input_cost_per_second": "s",
    "output_cost_per_second": "s",
    "search_context_cost_per_query": "x",
    "search_context_size_low": "y",
    "search_context_size_medium": "x",
    "search_context_size_high": "z",
    "file_search_cost_per_1k_calls": "f",
    "google_maps_grounding_cost_per_query": "t",
    "code_interpreter_cost_per_session": "n",
}
_WHOLE_PRICE: Final = frozenset("ioqkmhs")
_FIELD: Final = re.compile(
    rf"({'|'.join(_LETTERS)})(?:_above_(\d+)(k?)_tokens)?(?:_(priority|flex|ultrafast|balanced))?"
)
_RATE: Final = re.compile(r"[a-z]\d")
_SEARCH_LETTERS: Final = {"low": "y", "medium": "x", "high": "z"}
_COUNTING: Final[tuple[SearchCounting, ...]] = ("each", "once", "always")
_SAME_PLACE: Final = {
    "text-completion-openai": "openai",
    "ollama_chat": "ollama",
    "cohere_chat": "cohere",
}
_ROUTE: Final = re.compile(r"(?:converse|invoke)/")
"""What LiteLLM's names of Bedrock's models may begin with; it is no part of the name."""
_REGIONS: Final = re.compile(r"(?:us|us-gov|eu|apac|jp|au|ca|global)\.")
"""Where a profile of Bedrock's may send a call; without a price of its own it costs the model's."""

_Groups = dict[str, dict[str, Decimal]]
"""Rates by letter, under the label of their group: "" standard, ">N", "flex", "flex>N" …"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars per token of each kind; `hour_cache` is the longest life that a vendor sells."""

    input: Decimal = ZERO
    output: Decimal = ZERO
    cache_read: Decimal = ZERO
    cache_creation: Decimal = ZERO
    reasoning: Decimal = ZERO
    hour_cache: Decimal = ZERO
    audio: Decimal = ZERO
    image: Decimal = ZERO
    spoken: Decimal = ZERO
    drawn: Decimal = ZERO
    cached_audio: Decimal = ZERO
    cached_image: Decimal = ZERO

    @classmethod
    def of(cls, letters: Mapping[str, Decimal]) -> Rates:
        """Fill what is not said: other kinds of input cost as input does, of output as output."""
        read, written = letters.get("i", ZERO), letters.get("o", ZERO)
        cache_creation, cache_read = letters.get("w", read), letters.get("c", read)
        return cls(
            input=read,
            output=written,
            cache_read=cache_read,
            cache_creation=cache_creation,
            reasoning=letters.get("r", written),
            hour_cache=letters.get("l", cache_creation),
            audio=letters.get("a", read),
            image=letters.get("g", read),
            spoken=letters.get("b", written),
            drawn=letters.get("e", written),
            cached_audio=letters.get("u", cache_read),
            cached_image=letters.get("v", cache_read),
        )


@dataclass(frozen=True, slots=True)
class Units:
    """Dollars for what is not billed in tokens.

    A vendor bills each of its searches of the web and on maps, a searched answer once, or every
    call as a search.
    """

    query: Decimal = ZERO
    image: Decimal = ZERO
    character: Decimal = ZERO
    second: Decimal = ZERO
    search: Decimal = ZERO
    counting: SearchCounting = "each"
    file_search: Decimal = ZERO
    map_search: Decimal = ZERO
    container: Decimal = ZERO

    def billed_searches(self, searches: int) -> int:
        """Return how many of the searches of one call are billed."""
        match self.counting:
            case "each":
                return searches
            case "once":
                return min(searches, 1)
            case "always":
                return 1


@dataclass(frozen=True, slots=True)
class Tier:
    """The rates of a whole request whose prompt has more than `above` tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Price:
    """What one deployment charges, and how much fits into its model; tiers ascend.

    What a call comes to by its rates is multiplied by `factor`, and `surcharge` dollars are added:
    discounts and margins (adjustments.py).
    """

    rates: Rates
    tiers: tuple[Tier, ...] = ()
    per_request: Decimal = ZERO
    units: Units = Units()
    factor: Decimal = ONE
    surcharge: Decimal = ZERO
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None

    def rates_for(self, prompt_tokens: int) -> Rates:
        """Return the rates of the highest tier that such a prompt reaches."""
        reached = [tier.rates for tier in self.tiers if prompt_tokens > tier.above]
        return reached[-1] if reached else self.rates


FREE: Final = Price(rates=Rates())
"""What costs nothing, whoever is asked."""


@dataclass(frozen=True, slots=True)
class _Row:
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    groups: _Groups = field(default_factory=dict[str, dict[str, Decimal]])


_NO_ROW: Final = _Row()


def price_of(
    deployment: Deployment, service_tier: str | None = None, search_size: SearchSize = "medium"
) -> Price | None:
    """Return what a call there costs, None when nobody knows.

    `service_tier` is the one the caller asks for; what it does not change costs as usual.
    """
    return _price_of(
        _key_of(deployment.provider, deployment.model, deployment.base_model),
        tuple(sorted((name, str(value)) for name, value in deployment.custom_price.items())),
        deployment.max_output_tokens,
        service_tier,
        search_size,
    )


@lru_cache(maxsize=1024)
def _price_of(
    key: str | None,
    custom: tuple[tuple[str, str], ...],
    max_output_tokens: int | None,
    service_tier: str | None,
    search_size: SearchSize,
) -> Price | None:
    row = _NO_ROW if key is None else _read_row(_models()[key])
    own = _groups_of(custom)
    # A price of one's own stands alone; rates that are none by themselves refine the table's.
    is_whole = not _WHOLE_PRICE.isdisjoint(own.get("", {}))
    groups = own if is_whole else {**row.groups, **_merged(row.groups, own)}
    if not groups.get(""):
        return None
    letters = _letters(groups, "", service_tier)
    return Price(
        rates=Rates.of(letters),
        tiers=tuple(_tiers(groups, service_tier)),
        per_request=letters.get("q", ZERO),
        units=Units(
            *(letters.get(letter, ZERO) for letter in "kmhs"),
            search=letters.get(_SEARCH_LETTERS[search_size], letters.get("x", ZERO)),
            counting=_COUNTING[int(letters.get("p", ZERO))],
            file_search=letters.get("f", ZERO).scaleb(-3),
            map_search=letters.get("t", ZERO),
            container=letters.get("n", ZERO),
        ),
        max_input_tokens=row.max_input_tokens,
        max_output_tokens=max_output_tokens or row.max_output_tokens,
    )


def _tiers(groups: _Groups, service_tier: str | None) -> Iterator[Tier]:
    """Yield what each threshold makes of the rates below it."""
    thresholds = {int(label.rpartition(">")[2]) for label in groups if ">" in label}
    letters = _letters(groups, "", service_tier)
    for above in sorted(thresholds):
        letters = {**letters, **_letters(groups, f">{above}", service_tier)}
        yield Tier(above, Rates.of(letters))


def _letters(groups: _Groups, label: str, service_tier: str | None) -> dict[str, Decimal]:
    standard = groups.get(label, {})
    special = groups.get(f"{service_tier}{label}", {}) if service_tier else {}
    if "o" in special and "r" not in special:
        standard = {letter: rate for letter, rate in standard.items() if letter != "r"}
    return {**standard, **special}


def _merged(below: _Groups, above: _Groups) -> _Groups:
    return {label: {**below.get(label, {}), **rates} for label, rates in above.items()}


def _groups_of(custom: tuple[tuple[str, str], ...]) -> _Groups:
    """Sort a deployment's own prices, named as in LiteLLM's configuration, into groups."""
    groups: _Groups = {}
    for name, value in custom:
        found = _FIELD.fullmatch(name)
        if found is None:
            continue
        field_name, thousands, is_thousand, service_tier = found.groups()
        above = f">{int(thousands) * (1000 if is_thousand else 1)}" if thousands else ""
        rates = groups.setdefault((service_tier or "") + above, {})
        rates[_LETTERS[field_name]] = Decimal(value)
    return groups


def _key_of(provider: str, model: str, base_model: str | None) -> str | None:
    """Find the table's name for a model; a base model may be named with or without provider."""
    table, place = _models(), _SAME_PLACE.get(provider, provider)
    names = [f"{place}/{model}"]
    if place == "bedrock":
        asked = _ROUTE.sub("", model, count=1)
        names += [f"{place}/{asked}", f"{place}/{_REGIONS.sub('', asked, count=1)}"]
    if model.startswith("ft:"):
        names.append(f"{place}/{':'.join(model.split(':')[:2])}")
    if base_model:
        bare = [f"{other}/{base_model}" for other in _providers_of_bare_names()]
        names = [base_model, f"{place}/{base_model}", *bare, *names]
    return next((name for name in names if name in table), None)


def _read_row(text: str) -> _Row:
    _mode, max_input, max_output, *words = text.split(" ")
    groups: _Groups = {}
    rates = groups.setdefault("", {})
    for word in words:
        if _RATE.match(word):
            rates[word[0]] = Decimal(word[1:])
        else:
            rates = groups.setdefault(word, {})
    return _Row(_limit(max_input), _limit(max_output), groups)


def _limit(word: str) -> int | None:
    return None if word == "-" else int(word)


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str]]:
    """Read the table when the first price is asked for: about a millisecond."""
    return orjson.loads(_TABLE_FILE.read_bytes())


def _models() -> dict[str, str]:
    return _table()["models"]


def _providers_of_bare_names() -> list[str]:
    return list(_table()["about"]["providers_of_bare_names"])

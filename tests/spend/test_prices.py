from __future__ import annotations

import importlib.util
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from shared.domain import Deployment, JsonObject, Usage
from shared.spend.cost import cost, upper_bound
from shared.spend.prices import Price, Rates, Tier, Units, price_of

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent.parent
TABLE = ROOT / "shared/spend/table/prices.json"
MODELS: dict[str, str] = orjson.loads(TABLE.read_bytes())["models"]


def deployment(model: str, custom_price: JsonObject | None = None, **changed: object) -> Deployment:
    provider, _, name = model.partition("/")
    fields: dict[str, object] = {
        "id": "d",
        "model_group": "g",
        "provider": provider,
        "model": name,
        "api_base": "",
        "custom_price": custom_price or {},
    }
    return Deployment(**{**fields, **changed})  # pyright: ignore[reportArgumentType] - a builder


def rates(**named: str) -> Rates:
    """What is not named costs as the plain token of its side does."""
    found = {name: Decimal(value) for name, value in named.items()}
    read, written = dict.fromkeys(("audio", "image"), found["input"]), found["output"]
    made = dict.fromkeys(("spoken", "drawn"), written)
    kept = dict.fromkeys(("cached_audio", "cached_image"), found["cache_read"])
    return Rates(**{"hour_cache": found["cache_creation"], **read, **made, **kept, **found})


def known(price: Price | None) -> Price:
    assert price is not None
    return price


def test_the_table_knows_what_a_model_costs_and_holds() -> None:
    price = known(price_of(deployment("openai/gpt-4o")))

    expected = rates(
        input="2.5e-6",
        output="1e-5",
        cache_read="1.25e-6",
        cache_creation="2.5e-6",
        reasoning="1e-5",
    )
    assert (expected, 128_000, 16_384) == (
        price.rates,
        price.max_input_tokens,
        price.max_output_tokens,
    )


def test_the_table_knows_tiers() -> None:
    price = known(price_of(deployment("gemini/gemini-2.5-pro")))

    assert [200_000] == [tier.above for tier in price.tiers]
    assert Decimal("2.5e-6") == price.rates_for(200_001).input
    assert Decimal("1.25e-6") == price.rates_for(200_000).input


def test_a_service_tier_has_its_own_price() -> None:
    gpt_4o = deployment("openai/gpt-4o")

    assert Decimal("4.25e-6") == known(price_of(gpt_4o, "priority")).rates.input
    assert price_of(gpt_4o) == price_of(gpt_4o, "default") == price_of(gpt_4o, "flex")


@pytest.mark.parametrize("model", ["openai/gpt-99", "nobody/gpt-4o", "hosted_vllm/gpt-4o"])
def test_a_model_nobody_knows_has_no_price(model: str) -> None:
    assert price_of(deployment(model)) is None


def test_another_providers_price_is_never_taken() -> None:
    assert price_of(deployment("groq/gpt-4o")) is None


@pytest.mark.parametrize("base_model", ["gpt-4o", "openai/gpt-4o"])
def test_a_base_model_gives_its_price(base_model: str) -> None:
    named = deployment("azure/my-own-name", base_model=base_model)

    assert known(price_of(named)).rates.input > 0


def test_a_fine_tuned_model_has_the_price_of_its_kind() -> None:
    tuned = price_of(deployment("openai/ft:gpt-4o-2024-08-06:acme::abc123"))

    assert price_of(deployment("openai/ft:gpt-4o-2024-08-06")) == known(tuned)


def test_a_price_of_ones_own_stands_alone() -> None:
    own: JsonObject = {"input_cost_per_token": 1e-6, "output_cost_per_token": "2e-6"}

    price = known(price_of(deployment("openai/gpt-4o", own)))

    expected = rates(
        input="1e-6", output="2e-6", cache_read="1e-6", cache_creation="1e-6", reasoning="2e-6"
    )
    assert (expected, 16_384) == (price.rates, price.max_output_tokens)


def test_a_free_deployment_is_free() -> None:
    own: JsonObject = {"input_cost_per_token": 0, "output_cost_per_token": 0.0}

    free = known(price_of(deployment("openai/gpt-4o", own)))

    assert 0 == cost(free, Usage(1000, 1000, cached_tokens=500))


def test_every_kind_of_own_price_is_read() -> None:
    own: JsonObject = {
        "input_cost_per_token": 1,
        "output_cost_per_token": 2,
        "cache_read_input_token_cost": 3,
        "cache_creation_input_token_cost": 4,
        "output_cost_per_reasoning_token": 5,
        "input_cost_per_request": 6,
        "input_cost_per_token_above_128k_tokens": 7,
        "output_cost_per_token_above_272000_tokens": 8,
        "input_cost_per_second": 9,
    }

    price = known(price_of(deployment("custom_openai/x", own)))

    expected = Price(
        rates=rates(input="1", output="2", cache_read="3", cache_creation="4", reasoning="5"),
        tiers=(
            Tier(
                128_000,
                rates(input="7", output="2", cache_read="3", cache_creation="4", reasoning="5"),
            ),
            Tier(
                272_000,
                rates(input="7", output="8", cache_read="3", cache_creation="4", reasoning="5"),
            ),
        ),
        per_request=Decimal(6),
        units=Units(second=Decimal(9)),
    )
    assert expected == price


def test_prices_of_ones_own_for_audio_images_an_hours_cache_and_searches_are_read() -> None:
    own: JsonObject = {
        "input_cost_per_token": 1,
        "output_cost_per_token": 2,
        "cache_creation_input_token_cost": 3,
        "cache_creation_input_token_cost_above_1hr": 4,
        "input_cost_per_audio_token": 5,
        "output_cost_per_audio_token": 6,
        "input_cost_per_image_token": 7,
        "output_cost_per_image_token": 8,
        "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 9,
        "search_context_size_medium": 10,
        "search_context_size_high": 11,
        "cache_read_input_audio_token_cost": 12,
        "cache_read_input_image_token_cost": 13,
        "file_search_cost_per_1k_calls": 14,
        "google_maps_grounding_cost_per_query": 15,
        "code_interpreter_cost_per_session": 16,
    }
    named = deployment("custom_openai/x", own)

    price = known(price_of(named))

    expected = rates(
        input="1",
        output="2",
        cache_read="1",
        cache_creation="3",
        reasoning="2",
        hour_cache="4",
        audio="5",
        spoken="6",
        image="7",
        drawn="8",
        cached_audio="12",
        cached_image="13",
    )
    assert expected == price.rates
    units = price.units
    found = units.file_search, units.map_search, units.container
    assert (Decimal("0.014"), 15, 16) == found
    assert Decimal(9) == price.rates_for(200_001).hour_cache
    sizes = [known(price_of(named, None, size)).units.search for size in ("low", "medium", "high")]
    assert [10, 10, 11] == sizes


@pytest.mark.parametrize(
    ("model", "kind", "rate"),
    [
        ("openai/gpt-audio", "audio", "3.2e-5"),
        ("openai/gpt-audio", "spoken", "6.4e-5"),
        ("openai/gpt-image-1", "image", "1e-5"),
        ("openai/gpt-image-1", "drawn", "4e-5"),
        ("anthropic/claude-sonnet-4-5", "hour_cache", "6e-6"),
        ("gemini/gemini-2.5-flash", "audio", "1e-6"),
        ("gemini/gemini-2.5-flash", "cached_audio", "1e-7"),
        ("openai/gpt-image-1", "cached_image", "2.5e-6"),
        ("openai/gpt-5.6", "hour_cache", "1e-5"),
    ],
)
def test_the_table_knows_what_is_not_text(model: str, kind: str, rate: str) -> None:
    assert Decimal(rate) == getattr(known(price_of(deployment(model))).rates, kind)


@pytest.mark.parametrize(
    ("model", "tool", "dollars"),
    [
        ("openai/gpt-5", "file_search", "0.0025"),
        ("openai/gpt-5", "container", "0.03"),
        ("azure/gpt-5", "file_search", "0"),
        ("azure/gpt-5", "container", "0.033"),
        ("gemini/gemini-2.5-flash", "map_search", "0.025"),
        ("anthropic/claude-sonnet-4-5", "container", "0"),
    ],
)
def test_the_table_knows_what_a_vendors_own_tools_cost(model: str, tool: str, dollars: str) -> None:
    assert Decimal(dollars) == getattr(known(price_of(deployment(model))).units, tool)


@pytest.mark.parametrize(
    ("model", "billed"),
    [
        ("openai/gpt-5", [0, 3]),
        ("anthropic/claude-sonnet-4-5", [0, 3]),
        ("vertex_ai/claude-sonnet-4-5", [0, 3]),
        ("gemini/gemini-2.5-flash", [0, 1]),
        ("gemini/gemini-3.5-flash", [0, 3]),
        ("perplexity/sonar", [1, 1]),
        ("perplexity/sonar-deep-research", [0, 3]),
        ("xai/grok-4.3", [0, 3]),
    ],
)
def test_a_vendor_bills_every_search_or_an_answer_that_searched_or_every_answer(
    model: str, billed: list[int]
) -> None:
    units = known(price_of(deployment(model))).units

    assert units.search > 0
    assert billed == [units.billed_searches(0), units.billed_searches(3)]


def test_a_rate_that_is_no_price_by_itself_refines_the_tables() -> None:
    price = known(price_of(deployment("openai/gpt-4o", {"cache_read_input_token_cost": 0})))

    assert (Decimal("2.5e-6"), Decimal(0)) == (price.rates.input, price.rates.cache_read)


def test_a_deployments_own_limit_wins() -> None:
    price = known(price_of(deployment("openai/gpt-4o", max_output_tokens=99)))

    assert 99 == price.max_output_tokens


def test_every_row_of_the_table_is_a_price() -> None:
    for name in MODELS:
        price = known(price_of(deployment(name)))
        usage = Usage(300_000, 1000, cached_tokens=100, reasoning_tokens=10, searches=2)
        counted = Usage(searches=2)

        assert 0 <= cost(price, usage) <= upper_bound(price, 300_000, 1000, counted=counted)
        assert [*{tier.above: 0 for tier in price.tiers}] == sorted(t.above for t in price.tiers)


def test_the_table_says_where_it_is_from() -> None:
    about = orjson.loads(TABLE.read_bytes())["about"]

    assert {"source", "version", "date", "licence"} <= about.keys()
    assert "MIT" in (TABLE.parent / "LICENSE").read_text()
    assert TABLE.stat().st_size < 600_000


@pytest.fixture(scope="module")
def make_price_table() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "make_price_table", ROOT / "requirements/make_price_table.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


LIST: JsonObject = {
    "big": {
        "litellm_provider": "openai",
        "mode": "chat",
        "max_input_tokens": "100",
        "input_cost_per_token": "2.50e-06",
        "output_cost_per_token": "1e-05",
        "input_cost_per_token_above_200k_tokens": "0.000005",
        "input_cost_per_token_priority": "3e-06",
    },
    "openai/small": {
        "litellm_provider": "openai",
        "mode": "embedding",
        "input_cost_per_token": "2e-8",
        "output_cost_per_token": "0.0",
    },
    "xai/grok": {
        "litellm_provider": "xai",
        "mode": "chat",
        "input_cost_per_token": "1",
        "input_cost_per_token_above_128k_tokens": "2",
    },
    "dashscope/q": {
        "litellm_provider": "dashscope",
        "mode": "chat",
        "tiered_pricing": [
            {"range": ["0", "256000.0"], "input_cost_per_token": "1", "output_cost_per_token": "2"},
            {"range": ["256000.0", "1e6"], "input_cost_per_token": "3"},
        ],
    },
    "openai/container": {
        "litellm_provider": "openai",
        "mode": "chat",
        "code_interpreter_cost_per_session": "6",
    },
    "openai/keeps": {
        "litellm_provider": "openai",
        "mode": "responses",
        "input_cost_per_token": "1",
        "cache_creation_input_token_cost_above_12hr": "2",
        "input_cost_per_token_above_272k_tokens": "3",
        "cache_creation_input_token_cost_above_12hr_above_272k_tokens": "4",
    },
    "openai/picture": {"litellm_provider": "openai", "mode": "image_generation"},
    "gemini/hears": {
        "litellm_provider": "gemini",
        "mode": "chat",
        "input_cost_per_token": "1",
        "input_cost_per_audio_token": "2",
        "cache_creation_input_token_cost_above_1hr": "3",
        "search_context_cost_per_query": {
            "search_context_size_low": "4",
            "search_context_size_medium": "4",
            "search_context_size_high": "5",
        },
    },
    "elsewhere/x": {
        "litellm_provider": "elsewhere",
        "mode": "chat",
        "input_cost_per_token": "1",
    },
    "openai/unpriced": {"litellm_provider": "openai", "mode": "chat"},
}


def test_the_table_is_reduced_to_models_that_are_charged_by_the_token(
    make_price_table: ModuleType,
) -> None:
    assert {
        "openai/big": "chat 100 - i2.5e-6 o1e-5 f2.5 n6 >200000 i5e-6 priority i3e-6",
        "openai/keeps": "responses - - i1 l2 f2.5 n6 >272000 i3 l4",
        "openai/small": "embedding - - i2e-8 o0",
        "xai/grok": "chat - - i1 x5e-3 >127999 i2",
        "gemini/hears": "chat - - i1 l3 a2 x4 z5 p1",
        "dashscope/q": "chat - - i1 o2 c1 w1 r2 >256000 i3 c3 w3",
    } == make_price_table.reduced(LIST)


def test_the_table_is_written_as_it_was_made(make_price_table: ModuleType) -> None:
    table = orjson.loads(TABLE.read_bytes())

    assert TABLE.read_text() == make_price_table.as_text(table["about"], table["models"])


@pytest.mark.parametrize(
    ("model", "same_as"),
    [
        ("invoke/anthropic.claude-3-5-sonnet-20240620-v1:0", "3-5-sonnet-20240620-v1:0"),
        ("converse/anthropic.claude-3-opus-20240229-v1:0", "3-opus-20240229-v1:0"),
        ("jp.anthropic.claude-3-opus-20240229-v1:0", "3-opus-20240229-v1:0"),
        ("invoke/us.anthropic.claude-3-opus-20240229-v1:0", "3-opus-20240229-v1:0"),
    ],
)
def test_a_model_of_bedrocks_costs_the_same_by_every_route(model: str, same_as: str) -> None:
    usual = known(price_of(deployment(f"bedrock/anthropic.claude-{same_as}")))

    assert usual.rates == known(price_of(deployment(f"bedrock/{model}"))).rates

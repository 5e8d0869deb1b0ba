"""Discounts and margins by provider, as LiteLLM applies them."""

from __future__ import annotations

from decimal import Decimal
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.model import LiteLLMSettings, Margin
from shared.domain import Deployment, Usage
from shared.spend.adjustments import adjusted
from shared.spend.cost import cost
from shared.spend.prices import Price, Rates

CENT = Price(Rates.of({"i": Decimal("0.01")}))
GPT = Deployment(id="d", model_group="g", provider="openai", model="gpt-5-mini", api_base="")

shares = st.decimals(min_value=0, max_value=1, places=4)


def cents(settings: LiteLLMSettings, tokens: int = 1000) -> Decimal:
    """What a thousand tokens of a cent each cost, in dollars."""
    return Decimal(cost(adjusted(CENT, GPT, settings), Usage(tokens))) / 10**9


@pytest.mark.parametrize(
    ("discounts", "dollars"),
    [
        ({"openai": "0.05"}, "9.5"),
        ({"azure": "0.05"}, "10"),
        ({"openai": "0.05", "openai/gpt-5-mini": "0.1"}, "9"),
        ({"openai": "0.05", "openai/gpt-5": "0.1"}, "9.5"),
        ({"openai": "0.05", "openai/gpt-5*": "0.2", "openai/*": "0.1"}, "8"),
        ({"openai/gpt-5*": "0.2", "openai/gpt-5-mini": "0.3"}, "7"),
        ({"openai": "1"}, "0"),
    ],
)
def test_the_closest_discount_is_taken_off(discounts: dict[str, str], dollars: str) -> None:
    settings = LiteLLMSettings(discounts={name: Decimal(s) for name, s in discounts.items()})

    assert Decimal(dollars) == cents(settings)


@pytest.mark.parametrize(
    ("margins", "dollars"),
    [
        ({"openai": ("0.1", "0")}, "11"),
        ({"global": ("0.1", "0")}, "11"),
        ({"openai": ("0.2", "0.5"), "global": ("9", "9")}, "12.5"),
        ({"azure": ("0.1", "0")}, "10"),
        ({"openai": ("0", "0.0005")}, "10.0005"),
    ],
)
def test_a_providers_margin_or_everybodys_is_put_on(
    margins: dict[str, tuple[str, str]], dollars: str
) -> None:
    found = {name: Margin(share=Decimal(s), dollars=Decimal(d)) for name, (s, d) in margins.items()}

    assert Decimal(dollars) == cents(LiteLLMSettings(margins=found))


def test_the_margin_is_put_onto_what_the_discount_left() -> None:
    settings = LiteLLMSettings(
        discounts={"openai": Decimal("0.5")},
        margins={"openai": Margin(share=Decimal("0.1"), dollars=Decimal(1))},
    )

    assert Decimal("6.5") == cents(settings)


@given(shares, shares, st.integers(0, 10**6))
def test_it_is_rounded_up_once(discount: Decimal, share: Decimal, tokens: int) -> None:
    settings = LiteLLMSettings(
        discounts={"openai": discount}, margins={"global": Margin(share=share)}
    )

    exact = Decimal("0.01") * tokens * (1 - discount) * (1 + share)
    assert ceil(exact * 10**9) == cents(settings, tokens) * 10**9

"""What is taken off a vendor's price and put onto it: LiteLLM's discounts and margins. Pure.

`cost_discount_config` is `{provider: 0.05, "provider/model*": 0.1}`: a share that is taken off; the
model's own entry counts, else the pattern with most letters, else the provider's.
`cost_margin_config` is `{provider | global: 0.1 | {percentage: 0.08, fixed_amount: 0.0005}}`: what
is put onto the discounted cost of a call (LiteLLM 1.109.1, cost_calculator.py).
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from shared.spend.prices import ONE, ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from shared.config.model import LiteLLMSettings, Margin
    from shared.domain import Deployment
    from shared.spend.prices import Price

_GLOBAL: Final = "global"
_WILD: Final = frozenset("*?[")


def adjusted(price: Price, deployment: Deployment, settings: LiteLLMSettings) -> Price:
    """Return the price with the discount and the margin that the configuration has for it."""
    if not settings.discounts and not settings.margins:
        return price
    provider = deployment.provider
    discount = _discount(settings.discounts, provider, deployment.model)
    margin = _margin(settings.margins, provider)
    factor = (ONE - discount) * (ONE + margin.share) if margin else ONE - discount
    return replace(price, factor=factor, surcharge=margin.dollars if margin else ZERO)


def _discount(discounts: Mapping[str, Decimal], provider: str, model: str) -> Decimal:
    name = f"{provider}/{model}"
    if name in discounts:
        return discounts[name]
    patterns = [
        key
        for key in discounts
        if key.startswith(f"{provider}/") and not _WILD.isdisjoint(key) and fnmatchcase(name, key)
    ]
    if patterns:
        return discounts[max(patterns, key=_letters)]
    return discounts.get(provider, ZERO)


def _margin(margins: Mapping[str, Margin], provider: str) -> Margin | None:
    return margins.get(provider) or margins.get(_GLOBAL)


def _letters(pattern: str) -> int:
    return sum(letter not in _WILD for letter in pattern)

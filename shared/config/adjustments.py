"""`cost_discount_config` and `cost_margin_config`: what is taken off prices and put onto them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.config.model import Margin
from shared.config.sections import Wrong
from shared.config.vendors import VENDORS

if TYPE_CHECKING:
    from shared.config.sections import Section
    from shared.domain import Json

_EVERYBODY: Final = "global"
_MOST_SHARE: Final = 10
_MOST_DOLLARS: Final = 1_000


def read_discounts(litellm: Section) -> dict[str, Decimal]:
    """Read a share from 0 to 1 for each `provider` or `provider/model`."""
    section = litellm.section("cost_discount_config")
    for name in section.values:
        _check_provider(section, name)
    return {name: section.read(name, Decimal(0), _discount) for name in section.values}


def read_margins(litellm: Section) -> dict[str, Margin]:
    """Read a share, or a share and dollars for each call, for each provider or `global`."""
    section = litellm.section("cost_margin_config")
    for name in section.values:
        if name != _EVERYBODY:
            _check_provider(section, name)
    return {name: _margin(section, name) for name in section.values}


def _check_provider(section: Section, name: str) -> None:
    provider = name.partition("/")[0]
    if provider not in VENDORS:
        section.problem(name, f"names the provider {provider}, which is not known")


def _margin(section: Section, name: str) -> Margin:
    if not isinstance(section.values[name], dict):
        return Margin(share=section.read(name, Decimal(0), _share))
    inner = section.section(name)
    if not inner.values:
        section.problem(name, "must have percentage, fixed_amount or both")
    margin = Margin(
        share=inner.read("percentage", Decimal(0), _share),
        dollars=inner.read("fixed_amount", Decimal(0), _dollars),
    )
    inner.warn_about_unread()
    return margin


def _discount(value: Json) -> Decimal:
    return _between(value, 1, "must be a share from 0 to 1, like 0.05 for 5 %")


def _share(value: Json) -> Decimal:
    return _between(value, _MOST_SHARE, f"must be a share from 0 to {_MOST_SHARE}")


def _dollars(value: Json) -> Decimal:
    return _between(value, _MOST_DOLLARS, f"must be dollars, from 0 to {_MOST_DOLLARS}")


def _between(value: Json, most: int, sentence: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise Wrong(sentence)
    return Decimal(str(value))

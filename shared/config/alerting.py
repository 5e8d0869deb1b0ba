"""Whom to tell about budgets (`general_settings.alerting` and what belongs to it)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from shared.config.sections import Wrong, names_of

if TYPE_CHECKING:
    from shared.config.sections import Section
    from shared.domain import Json

Channel = Literal["slack", "webhook"]

_CHANNELS: Final[tuple[Channel, ...]] = ("slack", "webhook")
_BUDGETS: Final = "budget_alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingSettings:
    """The channels that hear of budgets; none when `alert_types` leaves budgets out.

    Their addresses are in the environment: `SLACK_WEBHOOK_URL`, `WEBHOOK_URL`.
    """

    channels: tuple[Channel, ...] = ()


def read_alerting(section: Section) -> AlertingSettings:
    """Read them from `general_settings`."""
    channels = section.read("alerting", (), _channels)
    types = section.names("alert_types")
    return AlertingSettings(channels=() if types and _BUDGETS not in types else channels)


def _channels(value: Json) -> tuple[Channel, ...]:
    wanted = names_of(value)
    if any(name not in _CHANNELS for name in wanted):
        raise Wrong(f"must be a list of {' and '.join(_CHANNELS)}")
    return tuple(channel for channel in _CHANNELS if channel in wanted)

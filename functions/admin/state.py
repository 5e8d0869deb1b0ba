"""What one process keeps between requests, made when the first one comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.admin.desk import Desk
from shared.config.live import LiveConfig
from shared.settings import Settings
from shared.storage.stores import Stores

if TYPE_CHECKING:
    from starlette.applications import Starlette


@dataclass(frozen=True, slots=True)
class State:
    """The settings, and the desk that the use cases work at."""

    settings: Settings
    desk: Desk

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Make it from settings, without any I/O but reading the configuration file."""
        stores = Stores.open(settings)
        live = LiveConfig.open(settings, stores)
        desk = Desk(stores, live, settings.master_key, has_salt_key=bool(settings.salt_key))
        return cls(settings, desk)


def state_of(app: Starlette) -> State:
    """Return the state of this process, made from the environment unless it was given one."""
    state: State | None = app.state.admin
    if state is None:
        state = app.state.admin = State.open(Settings.from_environment())
    return state

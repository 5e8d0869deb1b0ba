"""What one process keeps between requests. Nothing in it belongs to a single request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import SystemRandom
from typing import TYPE_CHECKING

from shared.auth.directory import Directory
from shared.config.live import LiveConfig
from shared.gateway.backlog import Backlog
from shared.gateway.clock import Clock
from shared.gateway.exposure import Exposure
from shared.gateway.pace import Paces
from shared.limits.budgets import BudgetRules, Calendar
from shared.limits.plan import Rules
from shared.storage.shared_reads import SharedReads
from shared.storage.stores import Stores

if TYPE_CHECKING:
    from random import Random

    from shared.config.model import Config
    from shared.domain import Principal
    from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Gateway:
    """The rooms of one process, wired; `random` breaks ties among deployments.

    `config` is what one request decides by, from its begin to its end; `live` is what the process
    knows. Without `live` the configuration never changes.
    """

    settings: Settings
    config: Config
    stores: Stores
    directory: Directory
    live: LiveConfig | None = None
    seeding: SharedReads[bool] = field(default_factory=SharedReads[bool])
    clock: Clock = field(default_factory=Clock)
    paces: Paces = field(default_factory=Paces)
    exposure: Exposure = field(default_factory=Exposure)
    backlog: Backlog = field(default_factory=Backlog)
    # From the system: a process restored from a snapshot must not repeat another's choices.
    random: Random = field(default_factory=SystemRandom)
    keep_alive_seconds: float = 15.0
    """How long a stream may be silent before its caller is sent a comment."""

    @classmethod
    def open(cls, settings: Settings) -> Gateway:
        """Wire the rooms; nothing connects before the first request."""
        stores = Stores.open(settings)
        live = LiveConfig.open(settings, stores)
        return cls(
            settings=settings,
            config=live.current,
            stores=stores,
            directory=Directory(stores),
            live=live,
        )

    def current(self) -> Gateway:
        """Return the gateway with the configuration that is in force now."""
        if self.live is None or self.live.current is self.config:
            return self
        return replace(self, config=self.live.current)

    def seen_by(self, principal: Principal) -> Gateway:
        """Return the gateway with the models that there are for a principal's team."""
        config = self.config.seen_by(principal.key.team_id)
        return self if config is self.config else replace(self, config=config)

    async def refreshed(self) -> Gateway:
        """Return the same, having asked whether the configuration has changed."""
        if self.live is not None:
            await self.live.refresh()
        return self.current()

    @property
    def rules(self) -> Rules:
        """What the configuration says about limits."""
        litellm, general = self.config.litellm, self.config.general
        return Rules(
            BudgetRules(
                calendar=Calendar(litellm.timezone, litellm.budget_reset_time),
                users_pay_for_team_keys=general.apply_user_budget_to_team_keys,
                proxy_budget=litellm.max_budget,
                proxy_duration=litellm.budget_duration,
            ),
            counted=general.token_rate_limit_type,
        )

    async def close(self) -> None:
        """Close the stores."""
        await self.stores.close()

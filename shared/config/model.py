"""One frozen Config: what the gateway can call, how it chooses, and how strict it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

from shared.config.alerting import AlertingSettings
from shared.config.degraded import DegradedSettings
from shared.config.newcomers import Newcomers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Deployment, Nanodollars

UNORDERED: Final = 2**31
"""The `order` of a deployment that names none: after all that do."""

UnknownPrice = Literal["zero", "refuse"]
TokenRateLimitType = Literal["total", "input", "output"]
TOKEN_RATE_LIMIT_TYPES: Final[tuple[TokenRateLimitType, ...]] = ("total", "input", "output")
UNKNOWN_PRICE: Final[tuple[UnknownPrice, ...]] = ("zero", "refuse")

Strategy = Literal[
    "simple-shuffle",
    "least-busy",
    "usage-based-routing",
    "usage-based-routing-v2",
    "latency-based-routing",
    "cost-based-routing",
]
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)

ErrorKind = Literal[
    "BadRequestError",
    "AuthenticationError",
    "TimeoutError",
    "RateLimitError",
    "ContentPolicyViolationError",
    "InternalServerError",
]
"""Kinds of failures, as LiteLLM's retry policies name them."""

ERROR_KINDS: Final[tuple[ErrorKind, ...]] = get_args(ErrorKind)

_NO_STRATEGIES: Final[Mapping[str, Strategy]] = MappingProxyType({})
_NO_NUMBERS: Final[Mapping[str, int]] = MappingProxyType({})
_NO_CHAINS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSettings:
    """How deployments are chosen, retried, rested and replaced; times in seconds.

    Among the deployments of one order that have room `strategy` chooses, or the one that
    `group_strategies` has for the model group. By latency, all within `latency_buffer` (a share)
    above the lowest mean of the last `latency_samples` are as good.

    Where requests are hedged (all, or those of `hedged_groups`), an answer that is later than
    `hedge_percentile` of the group's makes a second deployment be asked.

    `allowed_fails` None leaves the decision to the share of failures (routing/cooldown.py).
    """

    strategy: Strategy = "simple-shuffle"
    group_strategies: Mapping[str, Strategy] = field(default_factory=lambda: _NO_STRATEGIES)
    latency_buffer: float = 0.0
    latency_samples: int = 10
    hedged_requests: bool = False
    hedged_groups: tuple[str, ...] = ()
    hedge_percentile: int = 95
    num_retries: int = 2
    cooldown_seconds: float = 5.0
    disable_cooldowns: bool = False
    allowed_fails: int | None = None
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_CHAINS)
    default_fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: _NO_CHAINS
    )
    content_policy_fallbacks: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: _NO_CHAINS
    )
    max_fallbacks: int = 5
    retry_policy: Mapping[str, int] = field(default_factory=lambda: _NO_NUMBERS)
    group_retry_policies: Mapping[str, Mapping[str, int]] = field(
        default_factory=dict[str, "Mapping[str, int]"]
    )
    allowed_fails_policy: Mapping[str, int] = field(default_factory=lambda: _NO_NUMBERS)
    enable_pre_call_checks: bool = False
    enable_tag_filtering: bool = False
    tag_filtering_match_any: bool = True
    model_group_alias: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    hidden_aliases: frozenset[str] = frozenset()


CALL_TYPES: Final = frozenset({"completion", "text_completion", "embedding", "anthropic_messages"})
"""What is cached unless `supported_call_types` says otherwise: what has no state elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Which answers are kept and given again (`litellm_settings.cache`, `cache_params`).

    `is_on_by_default` false asks for `cache: {"use-cache": true}` in each request. `is_shared` lets
    tenants have each other's answers, as in LiteLLM. Conversations of more than `max_messages` are
    left alone (None: none are). Of equal calls at once, one asks and the others wait up to
    `wait_seconds` for its answer. `max_bytes` bounds one entry.
    """

    is_on: bool = False
    is_on_by_default: bool = True
    call_types: frozenset[str] = CALL_TYPES
    ttl_seconds: float = 600.0
    namespace: str = ""
    is_shared: bool = False
    max_messages: int | None = 4
    max_bytes: int = 256 * 1024
    wait_seconds: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralSettings:
    """Who may reach what, and what counts against limits.

    `allow_private_api_base` None follows where the gateway runs. `enforced_params` are what every
    request body must hold, `service_account_params` those of service accounts beside.
    `end_user_headers` name the end user where LiteLLM's own header does not.
    """

    key_header_name: str | None = None
    allow_private_api_base: bool | None = None
    apply_user_budget_to_team_keys: bool = False
    token_rate_limit_type: TokenRateLimitType = "total"  # noqa: S105 - tokens of a model
    spend_logs_kept: str | None = None
    enforced_params: tuple[str, ...] = ()
    service_account_params: tuple[str, ...] = ()
    end_user_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What is put onto the cost of a call: a share of it, and dollars."""

    share: Decimal = Decimal(0)
    dollars: Decimal = Decimal(0)


_NO_DISCOUNTS: Final[Mapping[str, Decimal]] = MappingProxyType({})
_NO_MARGINS: Final[Mapping[str, Margin]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteLLMSettings:
    """LiteLLM's switches that change what callers see, and Tollgate's own beside them.

    A call whose price nobody knows costs nothing and is flagged (`unknown_price` zero), or is
    refused (refuse). `max_budget` is for all the proxy serves in each `budget_duration`.
    `available_teams` are those that any user may join. `max_end_user_budget_id` names the budget of
    end users that have none of their own.
    `discounts` and `margins` are by provider (spend/adjustments.py).
    """

    available_teams: tuple[str, ...] = ()
    budget_exceeded_status_code: int = 422
    model_access_denied_status_code: int = 403
    timezone: str = "UTC"
    budget_reset_time: str = "00:00"
    default_max_tokens: int = 4096
    clamp_max_tokens: bool = False
    max_budget: Nanodollars | None = None
    budget_duration: str | None = None
    max_end_user_budget_id: str | None = None
    unknown_price: UnknownPrice = "zero"
    discounts: Mapping[str, Decimal] = field(default_factory=lambda: _NO_DISCOUNTS)
    margins: Mapping[str, Margin] = field(default_factory=lambda: _NO_MARGINS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything a request may need to know that no caller decides.

    `groups` and `by_id` find deployments by what callers may name; `wildcards` are the groups with
    a `*` in their name, most specific first. `viewer` is the team whose view this is (seen_by),
    `own_groups` are those that are its alone.
    """

    deployments: tuple[Deployment, ...] = ()
    router: RouterSettings = field(default_factory=RouterSettings)
    general: GeneralSettings = field(default_factory=GeneralSettings)
    litellm: LiteLLMSettings = field(default_factory=LiteLLMSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    degraded: DegradedSettings = field(default_factory=DegradedSettings)
    newcomers: Newcomers = field(default_factory=Newcomers)
    alerting: AlertingSettings = field(default_factory=AlertingSettings)
    groups: Mapping[str, tuple[Deployment, ...]] = field(init=False, repr=False, compare=False)
    by_id: Mapping[str, Deployment] = field(init=False, repr=False, compare=False)
    wildcards: tuple[str, ...] = field(init=False, repr=False, compare=False)
    viewer: str | None = None
    own_groups: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _teams: frozenset[str] = field(init=False, repr=False, compare=False)
    _views: dict[str | None, Config] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the deployments once, not for every request."""
        groups: dict[str, tuple[Deployment, ...]] = {}
        for deployment in self.deployments:
            group = deployment.model_group
            groups[group] = (*groups.get(group, ()), deployment)
        mine = {
            name: tuple(d for d in found if d.team_id == self.viewer)
            for name, found in groups.items()
            if self.viewer is not None and any(d.team_id == self.viewer for d in found)
        }
        # What a team has of its own stands before what everybody has under that name.
        groups |= mine
        wildcards = sorted((name for name in groups if "*" in name), key=_specificity)
        object.__setattr__(self, "groups", MappingProxyType(groups))
        object.__setattr__(self, "by_id", MappingProxyType({d.id: d for d in self.deployments}))
        object.__setattr__(self, "wildcards", tuple(wildcards))
        object.__setattr__(self, "own_groups", tuple(sorted(mine)))
        teams = frozenset(d.team_id for d in self.deployments if d.team_id is not None)
        object.__setattr__(self, "_teams", teams)
        object.__setattr__(self, "_views", {})

    def seen_by(self, team_id: str | None) -> Config:
        """Return the configuration as a team's keys see it: without what other teams have.

        By it alone are their calls routed, so nobody shadows or opens another's models.
        """
        if not self._teams:
            return self
        viewer = team_id if team_id in self._teams else None
        view = self._views.get(viewer)
        if view is None:
            kept = tuple(d for d in self.deployments if d.team_id in (None, viewer))
            view = self._views[viewer] = replace(self, deployments=kept, viewer=viewer)
        return view


def _specificity(pattern: str) -> tuple[int, int, str]:
    stars = pattern.count("*")
    return stars - len(pattern), stars, pattern

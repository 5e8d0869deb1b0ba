"""The nouns of the gateway: frozen values that every room understands.

Units: money is integer nanodollars, time is integer unix milliseconds (UTC) unless a name says
otherwise, hashes are lower-case hex.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NewType

from shared import controls
from shared.endpoints import Endpoint  # noqa: TC001 - a noun of the gateway: taken from here
from shared.used import Usage as Usage  # noqa: PLC0414 - a noun of the gateway, as Endpoint is

if TYPE_CHECKING:
    from collections.abc import Mapping

Nanodollars = NewType("Nanodollars", int)
"""Money in billionths of a US dollar; never a float."""

KeyHash = NewType("KeyHash", str)
"""SHA-256 hex of a virtual key: what is stored, logged and looked up."""

Millis = NewType("Millis", int)
"""Unix time in milliseconds, UTC."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
JsonObject = dict[str, Json]

NANODOLLARS_PER_DOLLAR = 1_000_000_000


class Scope(StrEnum):
    """What a budget, a limit or a policy hangs from; the words of the Redis keys."""

    KEY = "key"
    USER = "user"
    TEAM = "team"
    TEAM_MEMBER = "team_member"
    ORG = "org"
    END_USER = "end_user"
    TAG = "tag"
    BUDGET = "budget"
    """A row of limits that others are linked to."""
    LIMITED = "limited"
    """A note that any end user, or any tag, has limits; its id is the scope it speaks of."""
    KEY_MODEL = "key_model"
    TEAM_MODEL = "team_model"
    KEY_TAG = "key_tag"
    PROXY = "proxy"
    """Everything this proxy serves together."""


class Role(StrEnum):
    """What a user may do beside calling models (LiteLLM's `user_role`)."""

    PROXY_ADMIN = "proxy_admin"
    PROXY_ADMIN_VIEWER = "proxy_admin_viewer"
    INTERNAL_USER = "internal_user"
    INTERNAL_USER_VIEWER = "internal_user_viewer"


_NOTHING: Mapping[str, Json] = MappingProxyType({})


def pair_id(first: str, second: str) -> str:
    """Name what two ids name together, `team/user`: a slash in the first cannot forge another."""
    return f"{first.replace('%', '%25').replace('/', '%2F')}/{second}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How many requests and tokens pass in any 60 seconds, 60 minutes, 24 hours; None: any."""

    rpm: int | None = None
    tpm: int | None = None
    rph: int | None = None
    tph: int | None = None
    rpd: int | None = None
    tpd: int | None = None

    def __or__(self, other: RateLimits) -> RateLimits:
        """Take from another what these leave open."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(other, **given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What somebody may use and spend: a row's policy columns, at one version.

    `version` comes from one Postgres sequence, so of two policies of an entity the higher is the
    newer. `read_mark` is where that sequence stood when the row was read from Postgres, 0 when
    the policy came from Redis; it proves that the read happened after a fence of a lower number.
    """

    scope: Scope
    entity_id: str
    version: int
    read_mark: int = 0
    blocked: bool = False
    models: tuple[str, ...] = ()
    max_budget: Nanodollars | None = None
    budget_duration: str | None = None
    budget_reset_at: Millis | None = None
    budget_started_at: Millis
    budget_opening: Nanodollars = Nanodollars(0)
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    rph_limit: int | None = None
    tph_limit: int | None = None
    rpd_limit: int | None = None
    tpd_limit: int | None = None
    max_parallel_requests: int | None = None
    budget_id: str | None = None
    soft_budget: Nanodollars | None = None
    model_max_budget: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)
    budget_limits: tuple[Json, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)

    @property
    def rates(self) -> RateLimits:
        """The columns of rates together."""
        return RateLimits(
            rpm=self.rpm_limit,
            tpm=self.tpm_limit,
            rph=self.rph_limit,
            tph=self.tph_limit,
            rpd=self.rpd_limit,
            tpd=self.tpd_limit,
        )


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such row, which is an entry as well.

    Its version is 0, or what the row left when it was deleted: so a row that was being written
    while we looked is newer, whatever its number.
    """

    scope: Scope
    entity_id: str
    version: int = 0
    read_mark: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Key(Policy):
    """A virtual key; `entity_id` is its hash."""

    key_name: str | None = None
    key_alias: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    expires: Millis | None = None
    allowed_routes: tuple[str, ...] = ()
    allowed_cache_controls: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    permissions: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)

    @property
    def end_user_budget_id(self) -> str | None:
        """What limits the end users it calls for that have no limits of their own (LiteLLM)."""
        found = self.metadata.get("end_user_budget_id")
        return found if isinstance(found, str) and found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Policy):
    """Who owns keys."""

    role: str = Role.INTERNAL_USER


@dataclass(frozen=True, slots=True, kw_only=True)
class Team(Policy):
    """What keys share."""

    team_alias: str | None = None
    organization_id: str | None = None
    model_aliases: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def member_budget_id(self) -> str | None:
        """What limits the members that have no limits of their own: LiteLLM keeps it here."""
        found = self.metadata.get("team_member_budget_id")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever a request acts for: a key with everything that bears its spend or limits it.

    `budgets` are the rows of limits that others are linked to, by id. `vouched` are the entries
    that say nothing but that something exists, or does not. `end_user_budget_id` is the default of
    the proxy's end users. The master key has no row: `is_master`, and a key without limits.
    """

    key: Key
    user: User | None = None
    team: Team | None = None
    member: Policy | None = None
    org: Policy | None = None
    end_user: Policy | None = None
    tags: tuple[Policy, ...] = ()
    budgets: Mapping[str, Policy] = field(default_factory=dict[str, Policy])
    vouched: tuple[Policy | Absent, ...] = ()
    end_user_budget_id: str | None = None
    is_master: bool = False

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Everybody who bears the call's spend, in the order LiteLLM checks limits."""
        one_each = (self.key, self.user, self.team, self.member, self.end_user, self.org)
        return (*(policy for policy in one_each if policy is not None), *self.tags)

    def budget_of(self, policy: Policy) -> Policy | None:
        """Return the row of limits that one of the policies is linked to, or has by default."""
        if self.has_budget_of_key(policy):
            return self.budgets[self.key.end_user_budget_id or ""]
        return self.clock_of(policy)

    def clock_of(self, policy: Policy) -> Policy | None:
        """Return the same but for a key's default: an end user has one period for all keys."""
        budget_id = policy.budget_id
        if budget_id is None and policy.scope is Scope.TEAM_MEMBER and self.team is not None:
            budget_id = self.team.member_budget_id
        if budget_id is None and policy.scope is Scope.END_USER:
            budget_id = self.end_user_budget_id
        return None if budget_id is None else self.budgets.get(budget_id)

    def has_budget_of_key(self, policy: Policy) -> bool:
        """Say whether an end user's limits are those that its caller's key has for them."""
        is_open = policy.scope is Scope.END_USER and policy.budget_id is None
        return is_open and self.key.end_user_budget_id in self.budgets

    @property
    def entries(self) -> tuple[Policy | Absent, ...]:
        """All this was put together from, each to be confirmed by admit; the key is the first."""
        return () if self.is_master else (*self.policies, *self.budgets.values(), *self.vouched)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a provider may take, in seconds."""

    connect: float = 5.0
    first_byte: float = 120.0
    between_bytes: float = 60.0
    total: float = 600.0


Reach = Literal["anywhere", "private", "public"]
"""Which addresses may be connected to: all; all but link-local ones; public ones only."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request that is ready to send: what a dialect builds and transport sends."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    reach: Reach = "anywhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One place where the models of a group can be called."""

    id: str
    model_group: str
    provider: str
    model: str
    api_base: str
    api_key: str = field(default="", repr=False)
    weight: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    max_parallel_requests: int | None = None
    tags: tuple[str, ...] = ()
    team_id: str | None = None
    access_groups: tuple[str, ...] = ()
    region: str = ""
    order: int = 0
    cooldown_seconds: float | None = None
    timeouts: Timeouts = Timeouts()
    stream_timeouts: Timeouts = Timeouts()
    extra_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    custom_price: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)
    base_model: str | None = None
    max_output_tokens: int | None = None
    mode: str | None = None
    mock_response: str | None = None
    """What it answers instead of being asked (gateway/mocking.py)."""
    reach: Reach = "anywhere"
    api_version: str = ""
    handling: controls.Handling = controls.UNHANDLED
    defaults: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)
    """Parameters of a call where the caller is silent."""
    account: Mapping[str, Json] = field(default_factory=lambda: _NOTHING, repr=False)
    """What opens it beside a key, and where: AWS's and Google's parameters."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form."""

    name: str
    filename: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passing:
    """A request to a vendor's own API as it came; path and query still percent-encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One LLM request as the caller made it, parsed and checked, internal fields taken out.

    Of what was `sent`, `body` goes upstream but for the model's name; `model` is what was asked
    for. `id` is the gateway's own. `headers` are those that a provider of the same dialect is sent.
    """

    id: str
    endpoint: Endpoint
    model: str
    body: Mapping[str, Json]
    sent: Mapping[str, Json] = field(default_factory=lambda: _NOTHING, repr=False)
    is_stream: bool = False
    wants_usage_chunk: bool = False
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    trace: controls.Trace = controls.NO_TRACE
    num_retries: int | None = None
    timeout: float | None = None
    fallbacks: tuple[str, ...] | None = None
    own_fallbacks: controls.OwnFallbacks = controls.NO_FALLBACKS
    disable_fallbacks: bool = False
    cache: controls.CacheControl = controls.NO_CONTROL
    mock: controls.Mock | None = None
    deadline: Millis | None = None
    """When the process that serves it will be gone."""
    requester_ip: str | None = None
    uploads: tuple[Upload, ...] = ()
    provider: str | None = None
    """Whose own API is called, whatever the model; `passing` is what goes there."""
    passing: Passing | None = None
    account_of: str | None = None
    """Id of a deployment in whose vendor account the call must stay: there its past is stored."""
    metadata: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    handling: controls.Handling = controls.UNHANDLED
    extra_headers: Mapping[str, str] = field(default_factory=dict[str, str])

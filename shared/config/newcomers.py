"""What new keys, users and teams are given unless they ask for more, and keys have at most.

LiteLLM's `default_key_generate_params`, `upperbound_key_generate_params`, `default_team_params`,
`default_internal_user_params`, `max_internal_user_budget` and `internal_user_budget_duration`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from shared.config.sections import Wrong, names_of, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.config.sections import Section
    from shared.domain import Json

T = TypeVar("T")
Fields = dict[str, object]

# What the admin API takes (wire/admin_fields.py), where a body says the same.
_MOST_DOLLARS: Final = 9_000_000
_MOST_RATE: Final = 2**53 - 1
_MOST_PARALLEL: Final = 2**31 - 1
_DURATION: Final = re.compile(r"[1-9][0-9]{0,4}(s|m|h|d|w|mo)|hourly|daily|weekly|monthly")
# An admin is made by an admin, never by leaving something out.
_ROLES: Final = ("internal_user", "internal_user_viewer")
_NONE: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomers:
    """Fields of bodies that make something, for those who leave them out.

    `key_bounds` are the most a key may have; `internal_user` is for users made with that role.
    """

    key: Mapping[str, object] = field(default_factory=lambda: _NONE)
    key_bounds: Mapping[str, object] = field(default_factory=lambda: _NONE)
    user: Mapping[str, object] = field(default_factory=lambda: _NONE)
    internal_user: Mapping[str, object] = field(default_factory=lambda: _NONE)
    team: Mapping[str, object] = field(default_factory=lambda: _NONE)


def read_newcomers(section: Section, of_users: Section) -> Newcomers:
    """Read them from `litellm_settings` and, within it, `default_internal_user_params`."""
    key, bounds = (
        section.section("default_key_generate_params"),
        section.section("upperbound_key_generate_params"),
    )
    team = section.section("default_team_params")
    found = Newcomers(
        key=_limits(key, "max_parallel_requests", "duration")
        | _maybe(key, "models", _models)
        | _maybe(key, "metadata", _mapping)
        | _maybe(key, "team_id", _text)
        | _maybe(key, "user_id", _text),
        key_bounds=_limits(bounds, "max_parallel_requests", "duration"),
        user=_limits(of_users, "max_parallel_requests")
        | _maybe(of_users, "models", _models)
        | _maybe(of_users, "user_role", lambda value: one_of(value, _ROLES)),
        internal_user=_maybe(section, "max_internal_user_budget", _dollars, "max_budget")
        | _maybe(section, "internal_user_budget_duration", _duration, "budget_duration"),
        team=_limits(team) | _maybe(team, "team_member_permissions", _models),
    )
    # Those are for the teams that a login makes; here is none.
    team.ignore(("models", "organization_id"))
    for part in (key, bounds, team):
        part.warn_about_unread()
    return found


def _limits(section: Section, *more: str) -> Fields:
    found = (
        _maybe(section, "max_budget", _dollars)
        | _maybe(section, "budget_duration", _duration)
        | _maybe(section, "tpm_limit", lambda value: _whole(value, _MOST_RATE))
        | _maybe(section, "rpm_limit", lambda value: _whole(value, _MOST_RATE))
    )
    if "max_parallel_requests" in more:
        found |= _maybe(
            section, "max_parallel_requests", lambda value: _whole(value, _MOST_PARALLEL)
        )
    if "duration" in more:
        found |= _maybe(section, "duration", _duration)
    return found


def _maybe(
    section: Section, name: str, parse: Callable[[Json], object], called: str | None = None
) -> Fields:
    value = section.read(name, None, parse)
    return {} if value is None else {called or name: value}


def _dollars(value: Json) -> int | float:
    amount = None if isinstance(value, bool) else value
    if not isinstance(amount, int | float) or not 0 <= amount <= _MOST_DOLLARS:
        raise Wrong(f"must be dollars, from 0 to {_MOST_DOLLARS}")
    return amount


def _whole(value: Json, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Wrong(f"must be a whole number, from 0 to {most}")
    return value


def _duration(value: Json) -> str:
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise Wrong("must be a duration like 12h, 1d, 7d or 1mo")
    return value


def _models(value: Json) -> list[str]:
    return list(names_of(value))


def _mapping(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise Wrong("must be a mapping")
    return value


def _text(value: Json) -> str:
    (name,) = names_of([value])
    return name

"""May they: pure decisions over a principal, in LiteLLM's order of checks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from shared.errors import BadRequest, KeyExpired, ModelAccessDenied, NotAuthenticated, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.domain import Json, Millis, Principal, Team

ALL_MODELS = frozenset({"*", "all-proxy-models"})
TEAM_MODELS = "all-team-models"
NO_MODELS = "no-default-models"
LLM_ROUTES = frozenset({"llm_api_routes", "openai_routes"})


def check_standing(principal: Principal, now: Millis) -> None:
    """Refuse a key that is blocked or expired, or whose team is blocked."""
    check_key_blocked(principal)
    check_expiry(principal, now)
    check_team_blocked(principal)
    check_organization_blocked(principal)


def authorize(
    principal: Principal,
    models: Sequence[str],
    now: Millis,
    *,
    route: str,
    providers: Collection[str] = (),
    access_groups: Collection[str] = (),
) -> None:
    """Refuse what the principal may not call.

    `models` is the model asked for and the caller's own fallbacks; `providers` are those behind
    the first, since `openai/*` also allows a group named `gpt-4o` that OpenAI serves, and
    `access_groups` those that it belongs to: a list may name one in the place of its models.
    """
    if principal.is_master:
        return
    check_route(principal, route)
    check_key_blocked(principal)
    for model in models:
        if not may_key_call(principal, model, providers, access_groups):
            raise ModelAccessDenied("key", model)
    check_expiry(principal, now)
    check_team_blocked(principal)
    check_organization_blocked(principal)
    check_end_user_blocked(principal)
    team, user = principal.team, principal.user
    for model in models:
        if team and not may_team_call(team, model, providers, access_groups):
            raise ModelAccessDenied("team", model)
        # A team's key spends the team's allowance, so only the team's list speaks for it.
        if user and not team and not may_call(user.models, model, providers, access_groups):
            raise ModelAccessDenied("user", model)


def check_key_blocked(principal: Principal) -> None:
    """Refuse a blocked key."""
    if principal.key.blocked:
        raise NotAuthenticated(
            "Authentication Error, Key is blocked. Update via `/key/unblock` if you're admin.",
        )


def check_team_blocked(principal: Principal) -> None:
    """Refuse every key of a blocked team."""
    if principal.team is not None and principal.team.blocked:
        raise NotAuthenticated(
            f"Authentication Error, Team={principal.team.entity_id} is blocked. "
            "Update via `/team/unblock` if you're admin.",
        )


def check_organization_blocked(principal: Principal) -> None:
    """Refuse every key of a blocked organization."""
    if principal.org is not None and principal.org.blocked:
        raise NotAuthenticated(
            f"Authentication Error, Organization={principal.org.entity_id} is blocked.",
        )


def check_end_user_blocked(principal: Principal) -> None:
    """Refuse calls in the name of a blocked end user, in LiteLLM's words."""
    if principal.end_user is not None and principal.end_user.blocked:
        raise BadRequest(
            f"User blocked from making LLM API Calls. User={principal.end_user.entity_id}",
            param="user",
        )


def check_expiry(principal: Principal, now: Millis) -> None:
    """Refuse a key whose time has passed."""
    expires = principal.key.expires
    if expires is not None and expires <= now:
        raise KeyExpired(
            "Authentication Error - Expired Key. "
            f"Key Expiry time {_utc(expires)} and current time {_utc(now)}",
        )


def check_route(principal: Principal, route: str) -> None:
    """Refuse an LLM route that the key's `allowed_routes` leaves out."""
    allowed = principal.key.allowed_routes
    if not allowed or LLM_ROUTES & set(allowed):
        return
    if not any(_is_allowed(pattern, route) for pattern in allowed):
        raise NotPermitted(f"Virtual key is not allowed to call this route: {route}.")


def check_required(required: Sequence[str], sent: Mapping[str, Json]) -> None:
    """Refuse a body that lacks what its key, or the proxy, asks for: `user`, `metadata.team`."""
    for name in required:
        outer, _, inner = name.partition(".")
        value = sent.get(outer)
        told = f"[{outer}][{inner}]" if inner else outer
        if outer not in sent or (inner and not (isinstance(value, dict) and inner in value)):
            raise BadRequest(
                f"BadRequest please pass param={told} in request body. This is a required param",
                param=name,
            )


def check_passing(principal: Principal, route: str) -> None:
    """Refuse a vendor's own API to keys that do not name its path in `allowed_routes`.

    It leads to files, jobs and settings that all keys share, so no key has it unasked.
    """
    allowed = principal.key.allowed_routes
    if not principal.is_master and not any(_is_allowed(pattern, route) for pattern in allowed):
        raise NotPermitted(
            f"Virtual key is not allowed to call this route: {route}. "
            "Its `allowed_routes` must name it.",
        )


def _is_allowed(pattern: str, route: str) -> bool:
    if pattern.endswith("/*"):
        return route.startswith(pattern[:-1])
    return route == pattern or (pattern != "" and route.startswith(f"{pattern}/"))


def may_key_call(
    principal: Principal,
    model: str,
    providers: Collection[str] = (),
    access_groups: Collection[str] = (),
) -> bool:
    """Say whether the key's own list allows the model."""
    models = principal.key.models
    if TEAM_MODELS in models:
        models = principal.team.models if principal.team else ()
    target = principal.key.aliases.get(model, model)
    names = dict.fromkeys((model, target))
    return any(may_call(models, name, providers, access_groups) for name in names)


def may_team_call(
    team: Team,
    model: str,
    providers: Collection[str] = (),
    access_groups: Collection[str] = (),
) -> bool:
    """Say whether the team's list allows the model; its own aliases are always allowed."""
    is_alias = model in team.model_aliases
    return is_alias or may_call(team.models, model, providers, access_groups)


def may_call(
    models: Sequence[str],
    model: str,
    providers: Collection[str] = (),
    access_groups: Collection[str] = (),
) -> bool:
    """Say whether a list of models allows one: by name, by everything, or by a wildcard."""
    if not models or not ALL_MODELS.isdisjoint(models):
        return True
    if NO_MODELS in models:
        return False
    if any(name in access_groups for name in models):
        return True
    names = [model, *(f"{provider}/{model}" for provider in providers)]
    return any(_matches(allowed, name) for allowed in models for name in names)


def _matches(allowed: str, name: str) -> bool:
    if "*" not in allowed:
        return allowed == name
    # Only `*` is special in LiteLLM's patterns.
    return fnmatchcase(name, allowed.replace("[", "[[]").replace("?", "[?]"))


def resolve_alias(principal: Principal, model: str) -> str:
    """Replace a name that the team, then the key, has an alias for."""
    of_team = principal.team.model_aliases.get(model, model) if principal.team else model
    return principal.key.aliases.get(of_team, of_team)


def _utc(moment: Millis) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415 - only a refusal pays for it

    return datetime.fromtimestamp(moment / 1000, UTC).isoformat()

"""May they: the checks, their order, and what allows a model or a route."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.authorize import (
    authorize,
    check_expiry,
    check_route,
    check_standing,
    may_call,
    may_key_call,
    may_team_call,
    resolve_alias,
)
from shared.domain import Key, Millis, Principal, Scope, Team, User
from shared.errors import KeyExpired, ModelAccessDenied, NotAuthenticated, NotPermitted

if TYPE_CHECKING:
    from shared.errors import GatewayError

NOW = Millis(1_760_000_000_000)
CHAT = "/chat/completions"

KEY = Key(scope=Scope.KEY, entity_id="h1", version=1, budget_started_at=Millis(0))
USER = User(scope=Scope.USER, entity_id="u1", version=1, budget_started_at=Millis(0))
TEAM = Team(scope=Scope.TEAM, entity_id="t1", version=1, budget_started_at=Millis(0))
ANYONE = Principal(KEY)


def of_key(**columns: object) -> Principal:
    return Principal(replace(KEY, **columns))  # type: ignore[arg-type]


def refusal_of(principal: Principal, *models: str, route: str = CHAT) -> GatewayError | None:
    try:
        authorize(principal, models or ("gpt",), NOW, route=route)
    except (NotAuthenticated, NotPermitted) as error:
        return error
    return None


def type_of(error: GatewayError | None) -> str | None:
    return error.type if error else None


def test_a_key_without_limits_may_call_anything() -> None:
    assert refusal_of(ANYONE) is None


def test_the_first_failing_check_is_the_one_that_is_told() -> None:
    team = replace(TEAM, blocked=True, models=("no",))
    wrong = Principal(
        replace(
            KEY,
            allowed_routes=("/embeddings",),
            blocked=True,
            models=("no",),
            expires=NOW,
        ),
        replace(USER, models=("no",)),
        team,
    )

    told = [type_of(refusal_of(wrong))]
    wrong = replace(wrong, key=replace(wrong.key, allowed_routes=()))
    told.append(str(refusal_of(wrong)))
    wrong = replace(wrong, key=replace(wrong.key, blocked=False))
    told.append(type_of(refusal_of(wrong)))
    wrong = replace(wrong, key=replace(wrong.key, models=()))
    told.append(type_of(refusal_of(wrong)))
    wrong = replace(wrong, key=replace(wrong.key, expires=None))
    told.append(str(refusal_of(wrong)))
    wrong = replace(wrong, team=replace(team, blocked=False))
    told.append(type_of(refusal_of(wrong)))
    wrong = replace(wrong, team=None)
    told.append(type_of(refusal_of(wrong)))

    assert [
        "permission_denied",
        "Authentication Error, Key is blocked. Update via `/key/unblock` if you're admin.",
        "key_model_access_denied",
        "expired_key",
        "Authentication Error, Team=t1 is blocked. Update via `/team/unblock` if you're admin.",
        "team_model_access_denied",
        "user_model_access_denied",
    ] == told


def test_the_master_key_may_everything() -> None:
    master = Principal(replace(KEY, blocked=True, models=("no",)), is_master=True)

    assert refusal_of(master) is None


def test_a_users_list_does_not_speak_for_the_keys_of_a_team() -> None:
    assert refusal_of(Principal(KEY, replace(USER, models=("no",)), TEAM)) is None


def test_fallbacks_must_be_allowed_too() -> None:
    error = refusal_of(of_key(models=("gpt",)), "gpt", "claude")

    assert isinstance(error, ModelAccessDenied)
    assert "claude" in error.message


def test_a_refusal_does_not_tell_what_else_is_allowed() -> None:
    error = refusal_of(of_key(models=("secret-model",)))

    assert error is not None
    assert "secret-model" not in error.message


@pytest.mark.parametrize(
    ("expires", "is_refused"), [(NOW - 1, True), (NOW, True), (NOW + 1, False), (None, False)]
)
def test_a_key_is_good_until_the_moment_it_expires(
    expires: int | None, *, is_refused: bool
) -> None:
    principal = of_key(expires=expires)

    if is_refused:
        with pytest.raises(KeyExpired, match=r"Key Expiry time 2025-.* and current time 2025-"):
            check_expiry(principal, NOW)
    else:
        check_expiry(principal, NOW)


@pytest.mark.parametrize(
    "principal",
    [
        of_key(blocked=True),
        of_key(expires=NOW),
        Principal(KEY, None, replace(TEAM, blocked=True)),
    ],
)
def test_who_does_not_stand_is_refused_wherever_standing_is_asked(principal: Principal) -> None:
    with pytest.raises(NotAuthenticated):
        check_standing(principal, NOW)


@pytest.mark.parametrize(
    ("allowed", "route", "may"),
    [
        ((), CHAT, True),
        (("llm_api_routes",), CHAT, True),
        (("openai_routes", "/other"), CHAT, True),
        ((CHAT,), CHAT, True),
        ((CHAT,), "/chat/completionsx", False),
        (("/chat",), CHAT, True),
        (("/chat/*",), CHAT, True),
        (("/chat/*",), "/chatty", False),
        (("/embeddings",), CHAT, False),
        (("",), CHAT, False),
        (("/*",), CHAT, True),
        (("management_routes",), CHAT, False),
    ],
)
def test_a_route_is_allowed_by_name_prefix_wildcard_or_group(
    allowed: tuple[str, ...], route: str, *, may: bool
) -> None:
    principal = of_key(allowed_routes=allowed)

    if may:
        check_route(principal, route)
    else:
        with pytest.raises(NotPermitted, match=re.escape(route)):
            check_route(principal, route)


@pytest.mark.parametrize(
    ("models", "model", "providers", "may"),
    [
        ((), "gpt-4o", (), True),
        (("*",), "gpt-4o", (), True),
        (("all-proxy-models",), "gpt-4o", (), True),
        (("no-default-models",), "gpt-4o", (), False),
        (("no-default-models", "gpt-4o"), "gpt-4o", (), False),
        (("no-default-models", "*"), "gpt-4o", (), True),
        (("gpt-4o",), "gpt-4o", (), True),
        (("gpt-4o",), "gpt-4o-mini", (), False),
        (("GPT-4o",), "gpt-4o", (), False),
        (("openai/*",), "openai/gpt-4o", (), True),
        (("openai/*",), "gpt-4o", ("openai",), True),
        (("openai/*",), "gpt-4o", ("anthropic",), False),
        (("openai/*",), "openaiz/gpt-4o", (), False),
        (("openai/gpt-?",), "openai/gpt-4", (), False),
        (("gpt-[34]*",), "gpt-3x", (), False),
        (("gpt-[34]*",), "gpt-[34]x", (), True),
        (("other", "*-mini"), "gpt-4o-mini", (), True),
    ],
)
def test_a_list_allows_a_model(
    models: tuple[str, ...], model: str, providers: tuple[str, ...], *, may: bool
) -> None:
    assert may == may_call(models, model, providers)


names = st.text(st.sampled_from("ab*?[]!-/\\.\n"), min_size=1, max_size=8)


@given(allowed=names, model=names)
def test_only_the_star_is_special_in_a_pattern(allowed: str, model: str) -> None:
    pattern = ".*".join(re.escape(part) for part in allowed.split("*"))

    assert bool(re.fullmatch(pattern, model, re.DOTALL)) == may_call([allowed], model)


@given(st.lists(names, min_size=1, max_size=4), names, st.lists(names, max_size=2))
def test_a_longer_list_never_allows_less(models: list[str], model: str, more: list[str]) -> None:
    assert may_call([*models, *more], model) or not may_call(models, model)


@pytest.mark.parametrize(
    ("team_models", "may"), [(("gpt",), True), (("claude",), False), ((), True)]
)
def test_a_key_of_all_team_models_may_what_its_team_may(
    team_models: tuple[str, ...], *, may: bool
) -> None:
    team = replace(TEAM, models=team_models)

    assert may == may_key_call(
        Principal(replace(KEY, models=("all-team-models",)), None, team), "gpt"
    )


def test_an_alias_of_the_key_is_allowed_as_what_it_stands_for() -> None:
    principal = of_key(models=("gpt-4o",), aliases={"fast": "gpt-4o", "dear": "o1"})

    assert (True, False) == (may_key_call(principal, "fast"), may_key_call(principal, "dear"))


def test_an_alias_of_the_team_is_always_allowed_by_the_team() -> None:
    team = replace(TEAM, models=("gpt-4o",), model_aliases={"fast": "internal-gpt"})

    assert may_team_call(team, "fast")
    assert not may_team_call(team, "internal-gpt")


def test_the_teams_alias_is_resolved_before_the_keys() -> None:
    principal = Principal(
        replace(KEY, aliases={"middle": "last"}), None, replace(TEAM, model_aliases={"a": "middle"})
    )

    assert "last" == resolve_alias(principal, "a")
    assert "unknown" == resolve_alias(principal, "unknown")

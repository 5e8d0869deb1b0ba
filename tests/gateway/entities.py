"""Everybody who may bear a call's spend: how a test gives each of them a budget or a limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.domain import Scope

if TYPE_CHECKING:
    from tests.gateway.given import Given, GivenKey

KINDS = (
    *(Scope.KEY, Scope.USER, Scope.TEAM, Scope.TEAM_MEMBER),
    *(Scope.ORG, Scope.END_USER, Scope.TAG),
)


@dataclass(frozen=True)
class Limited:
    """A key, what its calls say beside the question, and the counter of whoever is limited."""

    key: GivenKey
    counter: str
    extra: dict[str, object] = field(default_factory=dict)


async def limited(given: Given, scope: Scope, **limits: object) -> Limited:
    """Give one kind of bearer these limits: in its own row where it has columns, else linked."""
    match scope:
        case Scope.KEY:
            key = await given.key(**limits)
            return Limited(key, f"key:{key.hash}")
        case Scope.USER:
            user = await given.user(**limits)
            return Limited(await given.key(user_id=user), f"user:{user}")
        case Scope.TEAM:
            team = await given.team(**limits)
            return Limited(await given.key(team_id=team), f"team:{team}")
        case _:
            return await linked(given, scope, await given.budget(**limits))


async def linked(given: Given, scope: Scope, budget: str) -> Limited:
    """Link one kind of bearer to a budget row."""
    name = f"{scope}-{uuid4().hex[:8]}"
    match scope:
        case Scope.KEY:
            key = await given.key(budget_id=budget)
            return Limited(key, f"key:{key.hash}")
        case Scope.USER:
            user = await given.user(budget_id=budget)
            return Limited(await given.key(user_id=user), f"user:{user}")
        case Scope.TEAM:
            team = await given.team(budget_id=budget)
            return Limited(await given.key(team_id=team), f"team:{team}")
        case Scope.TEAM_MEMBER:
            team, user = await given.team(), await given.user()
            await given.row("litellm_teammembership", team_id=team, user_id=user, budget_id=budget)
            key = await given.key(team_id=team, user_id=user)
            return Limited(key, f"team_member:{team}/{user}")
        case Scope.ORG:
            await given.row("litellm_organizationtable", organization_id=name, budget_id=budget)
            team = await given.team(organization_id=name)
            return Limited(await given.key(team_id=team), f"org:{name}")
        case Scope.END_USER:
            await given.row("litellm_endusertable", user_id=name, budget_id=budget)
            return Limited(await given.key(), f"end_user:{name}", {"user": name})
        case _:
            await given.row("litellm_tagtable", tag_name=name, budget_id=budget)
            extra: dict[str, object] = {"metadata": {"tags": [name]}}
            return Limited(await given.key(), f"tag:{name}", extra)

"""Teams as the admin API reads and writes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

from shared.storage.admin_budgets import find_budgets
from shared.storage.admin_rows import parameters
from shared.storage.statements import load
from shared.wire.admin_teams import TeamColumns, TeamInfo, TeamMember, TeamMembership

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from shared.storage.postgres import Runs
    from shared.wire.admin_teams import TeamSort

_SQL = load("admin_teams")


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFilter:
    """Which teams to list; None asks for nothing."""

    team_ids: list[str] | None = None
    organization_id: str | None = None
    team_id: str | None = None
    team_alias: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPart:
    """Which part of a list, in which order; at most `size` rows after `skip`."""

    size: int
    skip: int = 0
    sort_by: TeamSort = "created_at"
    descending: bool = True


async def find_teams(db: Runs, team_ids: Sequence[str]) -> list[TeamInfo]:
    """Return those of the teams that exist, in the order of their ids."""
    rows = await db.all(_SQL["find_teams"], team_ids=list(team_ids))
    return [TeamInfo.model_validate(row) for row in rows]


async def find_team(db: Runs, team_id: str) -> TeamInfo | None:
    """Return a team, None when there is none of that id."""
    found = await find_teams(db, [team_id])
    return found[0] if found else None


async def insert_team(
    db: Runs, team_id: str, columns: TeamColumns, *, spend: Decimal, by: str
) -> None:
    """Add a team."""
    await db.run(
        _SQL["insert_team"], **parameters(columns) | {"team_id": team_id, "spend": spend, "by": by}
    )


async def lock_teams(db: Runs, team_ids: Sequence[str]) -> list[str]:
    """Hold teams until the transaction ends; return those that exist."""
    rows = await db.all(_SQL["lock_teams"], team_ids=list(team_ids))
    return [str(row["team_id"]) for row in rows]


async def lock_team(db: Runs, team_id: str) -> None:
    """Hold a team until the transaction ends."""
    await lock_teams(db, [team_id])


async def write_team(db: Runs, team_id: str, columns: TeamColumns, *, by: str) -> None:
    """Set every column an admin sets."""
    await db.run(_SQL["write_team"], **parameters(columns) | {"team_id": team_id, "by": by})


async def roll_team_over(db: Runs, team_id: str, since: datetime) -> None:
    """Begin the period that is due but not yet booked."""
    await db.run(_SQL["roll_team_over"], team_id=team_id, since=since)


async def set_team_spend(db: Runs, team_id: str, spend: Decimal) -> None:
    """Start a period by hand, with so much already spent."""
    await db.run(_SQL["set_team_spend"], team_id=team_id, spend=spend)


async def add_members(db: Runs, team_id: str, members: Sequence[TeamMember]) -> None:
    """Append members to a team."""
    text = orjson.dumps([member.model_dump() for member in members]).decode()
    await db.run(_SQL["add_members"], team_id=team_id, members=text)


async def set_members(db: Runs, team_id: str, members: Sequence[TeamMember]) -> None:
    """Say who is in a team, and as what."""
    text = orjson.dumps([member.model_dump() for member in members]).decode()
    await db.run(_SQL["set_members"], team_id=team_id, members=text)


async def insert_memberships(
    db: Runs, team_id: str, user_ids: Sequence[str], *, budget_id: str | None = None
) -> None:
    """Count from now on what each of the users spends in the team, within a budget if one is."""
    await db.run(
        _SQL["insert_memberships"], team_id=team_id, user_ids=list(user_ids), budget_id=budget_id
    )


async def link_memberships(db: Runs, team_id: str, budget_id: str) -> None:
    """Give those members that have no budget of their own the one of the team."""
    await db.run(_SQL["link_memberships"], team_id=team_id, budget_id=budget_id)


async def link_membership(db: Runs, team_id: str, user_id: str, budget_id: str) -> None:
    """Give a member a budget of their own."""
    await db.run(_SQL["link_membership"], team_id=team_id, user_id=user_id, budget_id=budget_id)


async def set_membership_spend(db: Runs, team_id: str, user_id: str, spend: Decimal) -> int:
    """Start a member's period by hand; return how many such members there are."""
    return await db.run(_SQL["set_membership_spend"], team_id=team_id, user_id=user_id, spend=spend)


async def delete_memberships(db: Runs, team_id: str, user_ids: Sequence[str]) -> None:
    """Forget what users spent in a team."""
    await db.run(_SQL["delete_memberships"], team_id=team_id, user_ids=list(user_ids))


async def list_memberships(
    db: Runs, team_ids: Sequence[str], size: int, user_ids: Sequence[str] | None = None
) -> list[TeamMembership]:
    """Return what the members of teams, or some of them, have spent there."""
    users = None if user_ids is None else list(user_ids)
    rows = await db.all(
        _SQL["list_memberships"], team_ids=list(team_ids), user_ids=users, size=size
    )
    found = [TeamMembership.model_validate(row) for row in rows]
    wanted = sorted({one.budget_id for one in found if one.budget_id is not None})
    budgets = {budget.budget_id: budget for budget in await find_budgets(db, wanted)}
    return [
        one.model_copy(update={"litellm_budget_table": budgets.get(one.budget_id or "")})
        for one in found
    ]


async def list_teams(db: Runs, which: TeamFilter, part: TeamPart) -> list[TeamInfo]:
    """Return one page of teams."""
    rows = await db.all(_SQL["list_teams"], **asdict(which), **asdict(part))
    return [TeamInfo.model_validate(row) for row in rows]


async def count_teams(db: Runs, which: TeamFilter) -> int:
    """Say how many teams pass the filter."""
    row = await db.one(_SQL["count_teams"], **asdict(which))
    return int(str(row["total"])) if row else 0


async def lock_doomed_teams(db: Runs, team_ids: Sequence[str]) -> int:
    """Hold teams that are about to be deleted; return how many are still there."""
    return len(await db.all(_SQL["lock_doomed_teams"], team_ids=list(team_ids)))


async def find_members_of_teams(db: Runs, team_ids: Sequence[str]) -> list[str]:
    """Return everybody who is in any of the teams."""
    rows = await db.all(_SQL["find_members_of_teams"], team_ids=list(team_ids))
    return [str(row["user_id"]) for row in rows]


async def delete_teams(db: Runs, team_ids: Sequence[str]) -> None:
    """Remove teams that have no keys any more."""
    teams = list(team_ids)
    await db.run(_SQL["delete_memberships_of_teams"], team_ids=teams)
    await db.run(_SQL["delete_teams"], team_ids=teams)

"""Teams as the admin API reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.storage.admin_rows import parameters
from shared.storage.statements import load
from shared.wire.admin_teams import TeamColumns, TeamInfo, TeamMember, TeamMembership

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from shared.storage.postgres import Runs

_SQL = load("admin_teams")


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


async def insert_memberships(db: Runs, team_id: str, user_ids: Sequence[str]) -> None:
    """Count from now on what each of the users spends in the team."""
    await db.run(_SQL["insert_memberships"], team_id=team_id, user_ids=list(user_ids))


async def list_memberships(db: Runs, team_id: str, size: int) -> list[TeamMembership]:
    """Return what the members of a team have spent in it."""
    rows = await db.all(_SQL["list_memberships"], team_id=team_id, size=size)
    return [TeamMembership.model_validate(row) for row in rows]

"""Users as the admin API reads and writes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shared.storage.admin_rows import parameters
from shared.storage.statements import load
from shared.wire.admin_users import ListedUser, UserColumns, UserInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from shared.storage.postgres import Runs
    from shared.wire.admin_users import UserSort

_SQL = load("admin_users")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """Which users to list; None asks for nothing."""

    user_ids: list[str] | None = None
    sso_user_ids: list[str] | None = None
    role: str | None = None
    user_email: str | None = None
    team: str | None = None
    search: str | None = None
    organizations: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPart:
    """Which part of a list, in which order; at most `size` rows after `skip`."""

    size: int
    skip: int
    sort_by: UserSort = "created_at"
    descending: bool = True


async def find_users(db: Runs, user_ids: Sequence[str]) -> list[UserInfo]:
    """Return those of the users that exist, in the order of their ids."""
    rows = await db.all(_SQL["find_users"], user_ids=list(user_ids))
    return [UserInfo.model_validate(row) for row in rows]


async def find_user(db: Runs, user_id: str) -> UserInfo | None:
    """Return a user, None when there is none of that id."""
    found = await find_users(db, [user_id])
    return found[0] if found else None


async def find_user_ids_of_emails(db: Runs, user_emails: Sequence[str]) -> dict[str, str]:
    """Return the id behind each address that there is."""
    rows = await db.all(_SQL["find_user_ids_of_emails"], user_emails=list(user_emails))
    return {str(row["user_email"]): str(row["user_id"]) for row in rows}


async def insert_user(
    db: Runs, user_id: str, columns: UserColumns, *, spend: Decimal, by: str
) -> None:
    """Add a user."""
    await db.run(
        _SQL["insert_user"], **parameters(columns) | {"user_id": user_id, "spend": spend, "by": by}
    )


async def ensure_users(db: Runs, user_ids: Sequence[str], *, by: str) -> int:
    """Make the users that are named but not there yet; return how many that were."""
    return await db.run(_SQL["ensure_users"], user_ids=list(user_ids), by=by)


async def lock_user(db: Runs, user_id: str) -> None:
    """Hold a user until the transaction ends."""
    await db.one(_SQL["lock_user"], user_id=user_id)


async def write_user(db: Runs, user_id: str, columns: UserColumns, *, by: str) -> None:
    """Set every column an admin sets."""
    await db.run(_SQL["write_user"], **parameters(columns) | {"user_id": user_id, "by": by})


async def roll_user_over(db: Runs, user_id: str, since: datetime) -> None:
    """Begin the period that is due but not yet booked."""
    await db.run(_SQL["roll_user_over"], user_id=user_id, since=since)


async def set_user_spend(db: Runs, user_id: str, spend: Decimal) -> None:
    """Start a period by hand, with so much already spent."""
    await db.run(_SQL["set_user_spend"], user_id=user_id, spend=spend)


async def join_team(db: Runs, user_ids: Sequence[str], team_id: str) -> None:
    """Note in each user's row the team they are now in."""
    await db.run(_SQL["join_team"], user_ids=list(user_ids), team_id=team_id)


async def list_users(db: Runs, which: UserFilter, part: UserPart) -> list[ListedUser]:
    """Return one page of users."""
    rows = await db.all(_SQL["list_users"], **asdict(which), **asdict(part))
    return [ListedUser.model_validate(row) for row in rows]


async def count_users(db: Runs, which: UserFilter) -> int:
    """Say how many users pass the filter."""
    row = await db.one(_SQL["count_users"], **asdict(which))
    return int(str(row["total"])) if row else 0


async def lock_doomed_users(db: Runs, user_ids: Sequence[str]) -> int:
    """Hold users that are about to be deleted; return how many are still there."""
    return len(await db.all(_SQL["lock_doomed_users"], user_ids=list(user_ids)))


async def find_teams_of_users(db: Runs, user_ids: Sequence[str]) -> list[str]:
    """Return the teams any of the users is in."""
    rows = await db.all(_SQL["find_teams_of_users"], user_ids=list(user_ids))
    return [str(row["team_id"]) for row in rows]


async def delete_users(db: Runs, user_ids: Sequence[str], team_ids: Sequence[str]) -> None:
    """Remove users who have no keys any more, from the teams that list them as well."""
    users = list(user_ids)
    await db.run(_SQL["leave_teams"], user_ids=users, team_ids=list(team_ids))
    await db.run(_SQL["delete_memberships_of_users"], user_ids=users)
    await db.run(_SQL["delete_organization_memberships_of_users"], user_ids=users)
    await db.run(_SQL["delete_users"], user_ids=users)


async def leave_teams(db: Runs, user_ids: Sequence[str], team_ids: Sequence[str]) -> None:
    """Take users out of teams: of what the teams list, and of what the users' rows do."""
    users, teams = list(user_ids), list(team_ids)
    await db.run(_SQL["leave_teams"], user_ids=users, team_ids=teams)
    await db.run(_SQL["forget_teams"], user_ids=users, team_ids=teams)


async def forget_teams(db: Runs, user_ids: Sequence[str], team_ids: Sequence[str]) -> None:
    """Take teams out of the rows of the users that are in them."""
    await db.run(_SQL["forget_teams"], user_ids=list(user_ids), team_ids=list(team_ids))

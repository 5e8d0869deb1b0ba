"""Users as the admin API reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.storage.admin_rows import parameters
from shared.storage.statements import load
from shared.wire.admin_users import UserColumns, UserInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from shared.storage.postgres import Runs

_SQL = load("admin_users")


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

"""Put users into teams: in the team's row, in the user's row, and where their spend is counted."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.auth.authenticate import MASTER_USER_ID
from shared.domain import Scope, pair_id
from shared.storage import admin_teams, admin_users
from shared.wire.admin_teams import TeamMember
from shared.wire.admin_users import UserColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.storage.policies import Entity
    from shared.storage.postgres import Runs, Transaction
    from shared.wire.admin_teams import Member


async def first_members(db: Runs, caller: Caller, members: Sequence[Member]) -> list[TeamMember]:
    """Return the members of a new team with their ids; whoever makes it becomes an admin of it."""
    named = {member.user_id: member for member in await identified(db, members)}
    if caller.user_id is not None:
        named.setdefault(caller.user_id, TeamMember(role="admin", user_id=caller.user_id))
    return list(named.values())


async def identified(db: Runs, members: Sequence[Member]) -> list[TeamMember]:
    """Return members with their ids; an address that nobody has yet gets one."""
    emails = [m.user_email for m in members if m.user_id is None and m.user_email is not None]
    known = await admin_users.find_user_ids_of_emails(db, emails) if emails else {}
    return [_with_id(member, known) for member in members]


async def join(
    transaction: Transaction,
    caller: Caller,
    team_id: str,
    members: Sequence[TeamMember],
    *,
    budget_id: str | None = None,
) -> None:
    """Add members to a team; those who have no row yet get one."""
    await admin_teams.add_members(transaction, team_id, members)
    for member in members:
        if member.user_email is not None:
            await _ensure_address(transaction, caller, member)
    user_ids = ids_of(members)
    await admin_users.ensure_users(transaction, user_ids, by=caller.name)
    await admin_users.join_team(transaction, user_ids, team_id)
    await admin_teams.insert_memberships(transaction, team_id, user_ids, budget_id=budget_id)


def member_entity(team_id: str, user_id: str) -> Entity:
    """Name the policy of a team's member."""
    return Scope.TEAM_MEMBER, pair_id(team_id, user_id)


def ids_of(members: Sequence[TeamMember]) -> list[str]:
    """Return the users behind members, in order; the master key is a member without a row."""
    return sorted({m.user_id for m in members if m.user_id and m.user_id != MASTER_USER_ID})


def _with_id(member: Member, known: dict[str, str]) -> TeamMember:
    email = member.user_email
    user_id = member.user_id or known.get(email or "") or str(uuid.uuid4())
    return TeamMember(role=member.role, user_id=user_id, user_email=email)


async def _ensure_address(transaction: Transaction, caller: Caller, member: TeamMember) -> None:
    if member.user_id is None or await admin_users.find_user(transaction, member.user_id):
        return
    columns = UserColumns(user_email=member.user_email)
    await admin_users.insert_user(
        transaction, member.user_id, columns, spend=Decimal(0), by=caller.name
    )

"""Show users: to admins all, to an organisation's admin its own, to the others themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.admin.key_access import may_see
from shared.errors import NotFound, NotPermitted
from shared.storage import admin_keys, admin_teams, admin_users
from shared.storage.admin_keys import KeyFilter, Page
from shared.storage.admin_relations import find_relations
from shared.storage.admin_users import UserFilter, UserPart
from shared.wire.admin_users import UserInfoReply, UserPage

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_users import ListUsers, UserInfo

SHOWN_AT_MOST: Final = 1_000


async def user_info(desk: Desk, caller: Caller, user_id: str | None, now: Millis) -> UserInfoReply:
    """Tell about a user, without an id about the caller: their keys and teams as well."""
    user = await one_user(desk, caller, user_id, now)
    wanted, db = user.user_id, desk.stores.postgres
    keys = await admin_keys.list_keys(db, KeyFilter(user_id=wanted), Page(size=SHOWN_AT_MOST))
    teams = await admin_teams.find_teams(db, user.teams[:SHOWN_AT_MOST])
    return UserInfoReply(
        user_id=wanted,
        user_info=user,
        keys=[desk.as_of(key, now) for key in keys if may_see(caller, key)],
        teams=[
            desk.as_of(team, now)
            for team in teams
            if wanted == caller.user_id or caller.over_team(team.team_id) is not None
        ],
    )


async def one_user(desk: Desk, caller: Caller, user_id: str | None, now: Millis) -> UserInfo:
    """Tell about a user without keys and teams; without an id about the caller."""
    wanted, db = user_id or caller.user_id, desk.stores.postgres
    if wanted is None or not await _may_see(desk, caller, wanted):
        raise NotPermitted("You can only see your own user.", param="user_id")
    user = await admin_users.find_user(db, wanted)
    if user is None:
        raise NotFound(f"User {wanted} not found", param="user_id")
    return desk.as_of(user, now)


async def list_users(desk: Desk, caller: Caller, query: ListUsers, now: Millis) -> UserPage:
    """Return one page of users: to an organisation's admin of those in it."""
    which = UserFilter(
        user_ids=_parted(query.user_ids),
        sso_user_ids=_parted(query.sso_user_ids),
        role=query.role,
        user_email=query.user_email,
        team=query.team,
        search=query.search,
        organizations=None if caller.sees_all else sorted(caller.relations.run_organizations),
    )
    part = UserPart(
        size=query.page_size,
        skip=(query.page - 1) * query.page_size,
        sort_by=query.sort_by,
        descending=query.sort_order == "desc",
    )
    total = await admin_users.count_users(desk.stores.postgres, which)
    found = await admin_users.list_users(desk.stores.postgres, which, part)
    return UserPage(
        users=[desk.as_of(user, now) for user in found],
        total=total,
        page=query.page,
        page_size=query.page_size,
        total_pages=-(-total // query.page_size),
    )


async def _may_see(desk: Desk, caller: Caller, user_id: str) -> bool:
    if caller.sees_all or user_id == caller.user_id:
        return True
    if not (run := caller.relations.run_organizations):
        return False
    theirs = await find_relations(desk.stores.postgres, user_id)
    return not run.isdisjoint(theirs.organizations)


def _parted(listed: str | None) -> list[str] | None:
    return None if listed is None else [part.strip() for part in listed.split(",") if part.strip()]

"""Add, change and remove members of teams, with what each may spend there."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from shared.admin.budgets import insert_budget, rewrite_budget
from shared.admin.change import changing
from shared.admin.keys import bury_keys
from shared.admin.members import identified, ids_of, join, member_entity
from shared.admin.rewrite import TEAMS, Edit, existing, rewrite
from shared.admin.teams import MEMBER_BUDGET, own_team
from shared.domain import Scope
from shared.errors import (
    AlreadyExists,
    AlreadyMember,
    BadRequest,
    NotFound,
    NotPermitted,
    Refused,
)
from shared.storage import admin_keys, admin_teams, admin_users
from shared.storage.admin_changes import insert_audit
from shared.storage.spend_reports import ids_after
from shared.wire.admin_fields import MAX_AT_ONCE
from shared.wire.admin_members import (
    AddedManyMembers,
    AddedMembers,
    AddMembers,
    MemberResult,
    UpdatedMember,
)
from shared.wire.admin_teams import Member, TeamInfo, TeamMember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.storage.postgres import Transaction
    from shared.wire.admin_members import (
        AddManyMembers,
        NameMember,
        ResetMemberSpend,
        UpdateMember,
    )
    from shared.wire.admin_teams import TeamMembership


async def add_members(desk: Desk, caller: Caller, request: AddMembers, now: Millis) -> AddedMembers:
    """Put one user or several into a team, all of them or none."""
    asked = request.member if isinstance(request.member, list) else [request.member]
    if _joins_alone(desk, caller, request, asked):
        before = await existing(desk.stores.postgres, TEAMS, request.team_id)
    else:
        before = await own_team(desk, caller, request.team_id, request.model_fields_set)
    members = await identified(desk.stores.postgres, asked)
    user_ids = ids_of(members)
    budget, budget_id = request.budget, before.metadata.get(MEMBER_BUDGET)
    own_id = str(uuid.uuid4()) if budget is not None else None

    async def then(transaction: Transaction, team: TeamInfo) -> str:
        _check_new(team, members)
        if budget is not None and own_id is not None:
            await insert_budget(transaction, desk, caller, (own_id, budget), now)
        linked = own_id or (str(budget_id) if budget_id else None)
        await join(transaction, caller, request.team_id, members, budget_id=linked)
        return request.team_id

    edit: Edit[TeamInfo] = Edit(
        entity_id=request.team_id,
        action="updated",
        change=lambda team: team,
        beside=(
            *_entities(request.team_id, user_ids),
            *([(Scope.BUDGET, own_id)] if own_id else ()),
        ),
        then=then,
        conflicts={
            "litellm_usertable_user_email_key": AlreadyExists(
                "A member's address belongs to another user.", param="member"
            )
        },
    )
    team = await rewrite(desk, caller, TEAMS, edit, now)
    return AddedMembers(
        **dict(team),
        updated_users=await admin_users.find_users(desk.stores.postgres, user_ids),
        updated_team_memberships=await _memberships(desk, request.team_id, user_ids),
    )


def _joins_alone(desk: Desk, caller: Caller, request: AddMembers, asked: Sequence[Member]) -> bool:
    """Say whether a user puts themselves, as nothing special, into a team that is open to all."""
    is_open = request.team_id in desk.live.current.litellm.available_teams
    is_oneself = [(member.user_id, member.role) for member in asked] == [(caller.user_id, "user")]
    return is_open and is_oneself and request.budget is None


async def add_many_members(
    desk: Desk, caller: Caller, request: AddManyMembers, now: Millis
) -> AddedManyMembers:
    """Put users into a team, each for itself: what is refused for one is told beside the others."""
    await own_team(desk, caller, request.team_id, request.model_fields_set)
    limits = request.model_dump(exclude_unset=True, exclude={"members", "team_id", "all_users"})
    results: list[MemberResult] = []
    for member in request.members or await _everybody(desk, caller):
        one = AddMembers.model_construct(
            _fields_set={"team_id", "member", *limits},
            team_id=request.team_id,
            member=member,
            **limits,
        )
        results.append(await _added(desk, caller, one, member, now))
    done = sum(result.success for result in results)
    return AddedManyMembers(
        team_id=request.team_id,
        results=results,
        total_requested=len(results),
        successful_additions=done,
        failed_additions=len(results) - done,
        updated_team=await existing(desk.stores.postgres, TEAMS, request.team_id),
    )


async def _everybody(desk: Desk, caller: Caller) -> list[Member]:
    if not caller.is_admin:
        # A team's admin could draw in the users of every other organisation.
        raise NotPermitted("Only proxy admins can add all users.", param="all_users")
    user_ids = await ids_after(desk.stores.postgres, "user", "", MAX_AT_ONCE + 1)
    if len(user_ids) > MAX_AT_ONCE:
        raise BadRequest(f"Maximum {MAX_AT_ONCE} members can be added at once", param="all_users")
    return [Member(role="user", user_id=user_id) for user_id in user_ids]


async def update_member(
    desk: Desk, caller: Caller, request: UpdateMember, now: Millis
) -> UpdatedMember:
    """Change what a member is in a team, or may spend there."""
    team = await own_team(desk, caller, request.team_id, request.model_fields_set)
    user_id = await _member_of(desk, team, request)
    budget, team_id = request.budget, request.team_id
    (membership,) = await _memberships(desk, team_id, [user_id]) or (None,)
    shared_id = team.metadata.get(MEMBER_BUDGET)
    own_id = membership.budget_id if membership else None
    is_new = own_id is None or own_id == shared_id
    budget_id = str(uuid.uuid4()) if is_new or own_id is None else own_id

    async def then(transaction: Transaction, held: TeamInfo) -> str:
        if request.role is not None:
            await admin_teams.set_members(transaction, team_id, _with_role(held, user_id, request))
        if budget is not None and is_new:
            await insert_budget(transaction, desk, caller, (budget_id, budget), now)
            await admin_teams.insert_memberships(
                transaction, team_id, [user_id], budget_id=budget_id
            )
        elif budget is not None:
            await rewrite_budget(transaction, desk, caller, (budget_id, budget), now)
        return team_id

    edit: Edit[TeamInfo] = Edit(
        entity_id=team_id,
        action="updated",
        change=lambda team: team,
        beside=(
            member_entity(team_id, user_id),
            *([(Scope.BUDGET, budget_id)] if budget is not None else ()),
        ),
        then=then,
    )
    after = await rewrite(desk, caller, TEAMS, edit, now)
    (member,) = [one for one in after.members_with_roles if one.user_id == user_id][:1]
    (membership,) = await _memberships(desk, team_id, [user_id]) or (None,)
    limits = membership.litellm_budget_table if membership else None
    return UpdatedMember(
        team_id=team_id,
        user_id=user_id,
        user_email=member.user_email,
        role=member.role,
        max_budget_in_team=limits.max_budget if limits else None,
        rpm_limit=limits.rpm_limit if limits else None,
        tpm_limit=limits.tpm_limit if limits else None,
    )


async def delete_member(desk: Desk, caller: Caller, request: NameMember, now: Millis) -> TeamInfo:
    """Take a user out of a team; the keys they have in it die."""
    team = await own_team(desk, caller, request.team_id, request.model_fields_set)
    user_id, team_id = await _member_of(desk, team, request), request.team_id
    tokens = await admin_keys.find_tokens_of_members(desk.stores.postgres, team_id, [user_id])

    async def then(transaction: Transaction, _: TeamInfo) -> str:
        doomed = await admin_keys.find_tokens_of_members(transaction, team_id, [user_id])
        await admin_keys.lock_doomed_keys(transaction, doomed)
        await bury_keys(transaction, caller, await admin_keys.find_keys(transaction, doomed))
        await admin_users.leave_teams(transaction, [user_id], [team_id])
        await admin_teams.delete_memberships(transaction, team_id, [user_id])
        return team_id

    edit: Edit[TeamInfo] = Edit(
        entity_id=team_id,
        action="updated",
        change=lambda team: team,
        beside=(
            *_entities(team_id, ids_of([TeamMember(role="user", user_id=user_id)])),
            *((Scope.KEY, str(token)) for token in tokens),
        ),
        then=then,
    )
    return await rewrite(desk, caller, TEAMS, edit, now)


async def reset_member_spend(
    desk: Desk, caller: Caller, named: tuple[str, str], request: ResetMemberSpend
) -> TeamMembership:
    """Start a member's period by hand, with so much already spent."""
    team_id, user_id = named
    await own_team(desk, caller, team_id, request.model_fields_set)
    before = await _memberships(desk, team_id, [user_id])
    if not before:
        raise _no_member(team_id)
    async with changing(desk.stores, [member_entity(team_id, user_id)]) as transaction:
        await admin_teams.set_membership_spend(transaction, team_id, user_id, request.reset_to)
        (after,) = await admin_teams.list_memberships(transaction, [team_id], 1, [user_id])
        line = caller.audit(
            "updated",
            "LiteLLM_TeamMembership",
            f"{team_id}/{user_id}",
            before=before[0],
            after=after,
        )
        await insert_audit(transaction, line)
    return after


async def _added(
    desk: Desk, caller: Caller, one: AddMembers, member: Member, now: Millis
) -> MemberResult:
    try:
        added = await add_members(desk, caller, one, now)
    except Refused as error:
        return MemberResult(
            user_id=member.user_id,
            user_email=member.user_email,
            success=False,
            error=error.message,
        )
    user = added.updated_users[0] if added.updated_users else None
    memberships = added.updated_team_memberships
    return MemberResult(
        user_id=user.user_id if user else member.user_id,
        user_email=user.user_email if user else member.user_email,
        success=True,
        updated_user=user,
        updated_team_membership=memberships[0] if memberships else None,
    )


def _entities(team_id: str, user_ids: Sequence[str]) -> list[Entity]:
    return [
        *((Scope.USER, user_id) for user_id in user_ids),
        *(member_entity(team_id, user_id) for user_id in user_ids),
    ]


def _check_new(team: TeamInfo, members: Sequence[TeamMember]) -> None:
    names = [member.user_id for member in members]
    there = {member.user_id for member in team.members_with_roles}
    for name in names:
        if name in there or names.count(name) > 1:
            raise AlreadyMember(
                f"User already in team. Member: user_id={name}. Existing team={team.team_id}",
                param="member",
            )


def _with_role(team: TeamInfo, user_id: str, request: UpdateMember) -> list[TeamMember]:
    return [
        one.model_copy(update={"role": request.role}) if one.user_id == user_id else one
        for one in team.members_with_roles
    ]


async def _member_of(desk: Desk, team: TeamInfo, named: NameMember | UpdateMember) -> str:
    if named.user_id is None and named.user_email is None:
        raise BadRequest("Name the member: user_id or user_email.", param="user_id")
    user_id = named.user_id
    if user_id is None:
        emails = [named.user_email or ""]
        known = await admin_users.find_user_ids_of_emails(desk.stores.postgres, emails)
        user_id = known.get(named.user_email or "")
    if user_id is None or user_id not in {one.user_id for one in team.members_with_roles}:
        raise _no_member(team.team_id)
    return user_id


def _no_member(team_id: str) -> NotFound:
    return NotFound(f"User is not in team {team_id}.", param="user_id")


async def _memberships(desk: Desk, team_id: str, user_ids: Sequence[str]) -> list[TeamMembership]:
    db = desk.stores.postgres
    return await admin_teams.list_memberships(db, [team_id], len(user_ids) or 1, user_ids)

"""Who asks for a change or a report, and what they are to the rows that it is about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from shared.admin.permissions import EVERY, NOTHING, PERMITTED, Standing
from shared.auth.authenticate import MASTER_USER_ID
from shared.domain import KeyHash, Role
from shared.errors import NotAuthenticated, NotPermitted
from shared.storage.admin_changes import Action, Audit
from shared.storage.admin_relations import Relations, find_relations

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic import BaseModel

    from shared.domain import Principal
    from shared.storage.postgres import Runs

INFO_ROUTES: Final = frozenset(
    {"/key/info", "/v2/key/info", "/user/info", "/v2/user/info", "/team/info"}
    | {"/organization/info", "/model/info", "/v1/model/info", "/v2/model/info", "/model_group/info"}
    | {"/key/list", "/key/aliases", "/user/list", "/team/list", "/v2/team/list"}
)
_STANDING_OF_ROLE: Final[Mapping[str | None, Standing]] = {
    role.value: Standing(role.value) for role in Role
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The one who asks: `key_hash` is None for the master key, `role` for a key without a user.

    `changed_by` is who the audit log names: the user, or whom they act for. `route` is what they
    call, as the table of permissions has it.
    """

    role: str | None
    user_id: str | None
    key_hash: KeyHash | None
    team_id: str | None
    allowed_routes: tuple[str, ...]
    key_name: str
    changed_by: str
    route: str
    relations: Relations = field(default_factory=Relations)

    @property
    def is_admin(self) -> bool:
        """Whether everything may be changed."""
        return self.role == Role.PROXY_ADMIN

    @property
    def sees_all(self) -> bool:
        """Whether everybody's rows may be read."""
        return self.role in (Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER)

    @property
    def name(self) -> str:
        """What `created_by` and `updated_by` say."""
        return self.user_id or self.key_name

    @property
    def standing(self) -> Standing:
        """What the caller is where nothing belongs to anybody else."""
        if self.role in _STANDING_OF_ROLE:
            return _STANDING_OF_ROLE[self.role]
        return Standing.TEAM if self.role is None and self.team_id else Standing.CUSTOMER

    @property
    def standings(self) -> set[Standing]:
        """All that the caller is to anything."""
        relations = self.relations
        found = {self.standing}
        if relations.run_organizations:
            found.add(Standing.ORG_ADMIN)
        if any(place.is_admin for place in relations.teams.values()):
            found.add(Standing.TEAM_ADMIN)
        return found

    def over_team(self, team_id: str | None) -> Standing | None:
        """Tell what the caller is to a team; None to a stranger's, and to one that is not there."""
        if self.sees_all:
            return self.standing
        place = self.relations.teams.get(team_id or "")
        if place is not None and place.is_org_admin:
            return Standing.ORG_ADMIN
        if place is not None and place.is_admin:
            return Standing.TEAM_ADMIN
        is_own = place is not None or (team_id is not None and team_id == self.team_id)
        return self.standing if is_own else None

    def over_organization(self, organization_id: str | None) -> Standing | None:
        """Tell what the caller is to an organisation; None to a stranger's."""
        if self.sees_all:
            return self.standing
        runs_it = self.relations.organizations.get(organization_id or "")
        if runs_it is None:
            return None
        return Standing.ORG_ADMIN if runs_it else self.standing

    def runs_team(self, team_id: str | None) -> bool:
        """Say whether the caller is an admin of the team, or above it."""
        return self.over_team(team_id) in (
            Standing.PROXY_ADMIN,
            Standing.ORG_ADMIN,
            Standing.TEAM_ADMIN,
        )

    def may_as_member(self, team_id: str | None, permission: str) -> bool:
        """Say whether a team lets all of its members do that with its keys."""
        place = self.relations.teams.get(team_id or "")
        return place is not None and permission in place.permissions

    def check_fields(self, standing: Standing | None, sent: Collection[str]) -> None:
        """Refuse fields that somebody of that standing may not send to this route."""
        if standing is Standing.PROXY_ADMIN:
            return
        allowed = PERMITTED[self.route].get(standing, NOTHING) if standing else NOTHING
        over = set(sent) - allowed
        if allowed == EVERY or (allowed and not over):
            return
        fields = f" these fields: {', '.join(sorted(over))}" if allowed else " this"
        raise NotPermitted(f"Your role={standing or self.role} may not set{fields}.")

    def audit(
        self,
        action: Action,
        table_name: str,
        object_id: str,
        *,
        before: BaseModel | None = None,
        after: BaseModel | None = None,
    ) -> Audit:
        """Return the audit log's line about what the caller did."""
        return Audit(
            changed_by=self.changed_by,
            by_key=self.key_name,
            action=action,
            table_name=table_name,
            object_id=object_id,
            before=before,
            after=after,
        )


async def caller_of(
    db: Runs, principal: Principal, route: str, on_behalf_of: str | None = None
) -> Caller:
    """Return the principal as the one who asks; admins may act on behalf of somebody."""
    key, user = principal.key, principal.user
    role = user.role if user else None
    is_admin = role == Role.PROXY_ADMIN
    name = key.user_id or key.key_alias or key.entity_id
    has_relations = key.user_id is not None and role in (
        Role.INTERNAL_USER,
        Role.INTERNAL_USER_VIEWER,
    )
    relations = await find_relations(db, key.user_id or "") if has_relations else Relations()
    return Caller(
        role=role,
        user_id=MASTER_USER_ID if principal.is_master else key.user_id,
        key_hash=None if principal.is_master else KeyHash(key.entity_id),
        team_id=key.team_id,
        allowed_routes=key.allowed_routes,
        key_name=key.entity_id,
        changed_by=on_behalf_of if is_admin and on_behalf_of else name,
        route=route,
        relations=relations if role == Role.INTERNAL_USER else _as_viewer(relations),
    )


def check_route(caller: Caller) -> None:
    """Refuse a route that the caller's standings or the key's own list leave out."""
    path = caller.route.partition(" ")[2]
    if not may_route(caller.allowed_routes, path):
        raise NotPermitted(f"Virtual key is not allowed to call this route: {path}.")
    granted = PERMITTED.get(caller.route)
    is_open = granted is not None and (caller.is_admin or not caller.standings.isdisjoint(granted))
    if not is_open:
        raise NotAuthenticated(
            "Authentication Error, Only proxy admin can be used to generate, delete, update info "
            f"for new keys/users/teams. Route={path}. Your role={caller.role or 'unknown'}. "
            f"Your user_id={caller.user_id or 'unknown'}",
        )


def may_route(allowed_routes: Collection[str], route: str) -> bool:
    """Say whether a key's own list, which is empty for all, has a management route."""
    return not allowed_routes or any(_covers(allowed, route) for allowed in allowed_routes)


def _covers(allowed: str, route: str) -> bool:
    if allowed == "management_routes":
        return True
    if allowed == "info_routes":
        return route in INFO_ROUTES
    if allowed.endswith("/*"):
        return route.startswith(allowed[:-1])
    return route == allowed or route.startswith(f"{allowed}/")


def _as_viewer(relations: Relations) -> Relations:
    """Leave who only looks a member everywhere and an admin nowhere."""
    return Relations(
        {
            team_id: replace(place, is_admin=False, is_org_admin=False)
            for team_id, place in relations.teams.items()
        },
        dict.fromkeys(relations.organizations, False),
    )

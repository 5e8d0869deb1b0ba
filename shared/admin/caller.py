"""Who asks for a change or a report, and which routes their role opens.

Default deny: a route that stands in no list is the proxy admin's alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.auth.authenticate import MASTER_USER_ID
from shared.domain import KeyHash, Role
from shared.errors import NotAuthenticated, NotPermitted
from shared.storage.admin_changes import Action, Audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from shared.domain import Principal

OWN_READS: Final = frozenset({"/key/info", "/key/list", "/user/info", "/team/info", "/spend/logs"})
OWN_WRITES: Final = frozenset({"/key/generate", "/key/update", "/key/delete"})
INFO_ROUTES: Final = frozenset({"/key/info", "/user/info", "/team/info"})

ROUTES: Final[Mapping[str | None, frozenset[str]]] = {
    Role.PROXY_ADMIN_VIEWER: OWN_READS,
    Role.INTERNAL_USER: OWN_READS | OWN_WRITES,
    Role.INTERNAL_USER_VIEWER: OWN_READS,
    # A key that belongs to nobody, or to a team only.
    None: frozenset({"/key/info", "/team/info", "/spend/logs"}),
}
"""What each role but the proxy admin may call; what it shows them is decided row by row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The one who asks: `key_hash` is None for the master key, `role` for a key without a user.

    `changed_by` is who the audit log names: the user, or whom they act for.
    """

    role: str | None
    user_id: str | None
    key_hash: KeyHash | None
    team_id: str | None
    allowed_routes: tuple[str, ...]
    key_name: str
    changed_by: str

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


def caller_of(principal: Principal, on_behalf_of: str | None = None) -> Caller:
    """Return the principal as the one who asks; admins may act on behalf of somebody."""
    key, user = principal.key, principal.user
    role = user.role if user else None
    may_name_another = role == Role.PROXY_ADMIN and on_behalf_of is not None
    name = key.user_id or key.key_alias or key.entity_id
    return Caller(
        role=role,
        user_id=MASTER_USER_ID if principal.is_master else key.user_id,
        key_hash=None if principal.is_master else KeyHash(key.entity_id),
        team_id=key.team_id,
        allowed_routes=key.allowed_routes,
        key_name=key.entity_id,
        changed_by=on_behalf_of if may_name_another and on_behalf_of else name,
    )


def check_route(caller: Caller, route: str) -> None:
    """Refuse a route that the caller's role or the key's own list leaves out."""
    if caller.allowed_routes and not any(_covers(r, route) for r in caller.allowed_routes):
        raise NotPermitted(f"Virtual key is not allowed to call this route: {route}.")
    if not caller.is_admin and route not in ROUTES.get(caller.role, frozenset()):
        raise NotAuthenticated(
            "Authentication Error, Only proxy admin can be used to generate, delete, update info "
            f"for new keys/users/teams. Route={route}. Your role={caller.role or 'unknown'}. "
            f"Your user_id={caller.user_id or 'unknown'}",
        )


def _covers(allowed: str, route: str) -> bool:
    if allowed == "management_routes":
        return True
    if allowed == "info_routes":
        return route in INFO_ROUTES
    if allowed.endswith("/*"):
        return route.startswith(allowed[:-1])
    return route == allowed or route.startswith(f"{allowed}/")

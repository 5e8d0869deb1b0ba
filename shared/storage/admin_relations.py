"""What somebody is to teams and organisations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.storage.postgres import Runs

_SQL = load("admin_relations")

MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """What somebody is to a team, and what its members may do with its keys."""

    organization_id: str | None
    is_admin: bool
    is_org_admin: bool
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Relations:
    """The teams and organisations of one user; of an organisation, whether they run it."""

    teams: Mapping[str, Place] = field(default_factory=dict[str, Place])
    organizations: Mapping[str, bool] = field(default_factory=dict[str, bool])

    @property
    def run_organizations(self) -> frozenset[str]:
        """The organisations they are the admin of."""
        return frozenset(name for name, is_admin in self.organizations.items() if is_admin)


async def find_relations(db: Runs, user_id: str) -> Relations:
    """Return what a user is to teams and organisations."""
    places = await db.all(_SQL["find_places"], user_id=user_id, most=MOST)
    organizations = await db.all(_SQL["find_organizations"], user_id=user_id, most=MOST)
    return Relations(
        teams={
            str(row["team_id"]): Place(
                organization_id=None if (org := row["organization_id"]) is None else str(org),
                is_admin=row["is_admin"] is True,
                is_org_admin=row["is_org_admin"] is True,
                permissions=_words(row["team_member_permissions"]),
            )
            for row in places
        },
        organizations={
            str(row["organization_id"]): row["user_role"] == "org_admin" for row in organizations
        },
    )


def _words(value: object) -> tuple[str, ...]:
    # A text[] column.
    return tuple(cast("list[str]", value))

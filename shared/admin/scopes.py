"""How entities are named whose policies are put together elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Scope
from shared.storage.principals import find_policies

if TYPE_CHECKING:
    from shared.admin.desk import Desk
    from shared.storage.policies import Entity


def scoped(scope: str, entity_id: str) -> list[Entity]:
    """Name a policy, if there are policies of that scope."""
    return [(known, entity_id) for known in Scope if known.value == scope]


async def first_of(desk: Desk, scope: str) -> list[Entity]:
    """Name what says that there are limits of a scope, unless that is known already."""
    entities = scoped("limited", scope)
    return [] if await find_policies(desk.stores.postgres, entities) else entities


def pair(first: str, second: str) -> str:
    """Name what two ids name together, as `tollgate_pair` does in SQL."""
    return f"{first.replace('%', '%25').replace('/', '%2F')}/{second}"

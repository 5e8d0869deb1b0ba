"""Which entries a principal is put together from, and how. Pure.

key ── user, team, their member, organization (the key's, else the team's)
call ── end user, tags: only where any of their kind has limits, or a default limits end users
the budget row that any of them is linked to
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared.domain import Absent, Key, Policy, Principal, Scope, Team, User, pair_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.storage.policies import Entity
    from shared.storage.principals import Asking

    Known = Callable[[Entity], Policy | Absent | None]

P = TypeVar("P", bound=Policy)


def entities_of(asking: Asking, known: Known) -> list[Entity]:
    """List what must be known to know who asks, as far as is known: ask again with the answers."""
    key_entity: Entity = (Scope.KEY, asking.key_hash)
    key = known(key_entity)
    if not isinstance(key, Key):
        return [key_entity]
    entities = [key_entity, *_above(key, known)]
    for scope in asking.limited:
        entities.append((Scope.LIMITED, scope))
        by_default = scope is Scope.END_USER and _defaults(asking, key)
        if by_default or isinstance(known((Scope.LIMITED, scope)), Policy):
            entities += _named(asking, scope)
    budgets = dict.fromkeys([*_linked(entities, known), *_defaults(asking, key)])
    return [*entities, *((Scope.BUDGET, budget_id) for budget_id in budgets)]


def assemble(asking: Asking, known: Known) -> Principal | None:
    """Put the principal together; None when anything of it is not known."""
    found = {entity: known(entity) for entity in entities_of(asking, known)}
    key = found[Scope.KEY, asking.key_hash]
    if not isinstance(key, Key) or None in found.values():
        return None
    by_scope = {scope: found[scope, entity_id] for scope, entity_id in found}
    return Principal(
        key=key,
        user=_of(User, by_scope.get(Scope.USER)),
        team=_of(Team, by_scope.get(Scope.TEAM)),
        member=_of(Policy, by_scope.get(Scope.TEAM_MEMBER)),
        org=_of(Policy, by_scope.get(Scope.ORG)),
        end_user=_of(Policy, by_scope.get(Scope.END_USER)),
        tags=_all(found, Scope.TAG),
        end_user_budget_id=asking.end_user_budget_id,
        budgets={budget.entity_id: budget for budget in _all(found, Scope.BUDGET)},
        vouched=tuple(
            entry
            for entry in found.values()
            if isinstance(entry, Absent) or (entry is not None and entry.scope is Scope.LIMITED)
        ),
    )


def lacks_end_user(asking: Asking, principal: Principal) -> bool:
    """Say whether a default limits the end user, who has no row in which to count."""
    return principal.end_user is None and bool(_defaults(asking, principal.key))


def _defaults(asking: Asking, key: Key) -> list[str]:
    """List the budgets of end users without one of their own: the key's, else the proxy's."""
    if asking.end_user is None:
        return []
    names = (key.end_user_budget_id, asking.end_user_budget_id)
    return [name for name in names if name is not None]


def _above(key: Key, known: Known) -> list[Entity]:
    above: list[Entity] = []
    organization_id = key.organization_id
    if key.user_id is not None:
        above.append((Scope.USER, key.user_id))
    if key.team_id is not None:
        above.append((Scope.TEAM, key.team_id))
        team = known((Scope.TEAM, key.team_id))
        if organization_id is None and isinstance(team, Team):
            organization_id = team.organization_id
        if key.user_id is not None:
            above.append((Scope.TEAM_MEMBER, pair_id(key.team_id, key.user_id)))
    if organization_id is not None:
        above.append((Scope.ORG, organization_id))
    return above


def _named(asking: Asking, scope: Scope) -> list[Entity]:
    if scope is Scope.TAG:
        return [(scope, tag) for tag in dict.fromkeys(asking.tags)]
    return [(scope, asking.end_user or "")]


def _linked(entities: list[Entity], known: Known) -> list[str]:
    """List the budget rows of entities; members without one of their own share their team's."""
    linked: list[str] = []
    for entity in entities:
        entry = known(entity)
        if not isinstance(entry, Policy):
            continue
        if entry.budget_id is not None:
            linked.append(entry.budget_id)
        if isinstance(entry, Team) and entry.member_budget_id is not None:
            linked.append(entry.member_budget_id)
    return linked


def _of(shape: type[P], entry: Policy | Absent | None) -> P | None:
    return entry if isinstance(entry, shape) else None


def _all(found: Mapping[Entity, Policy | Absent | None], scope: Scope) -> tuple[Policy, ...]:
    return tuple(e for e in found.values() if isinstance(e, Policy) and e.scope is scope)

"""Lay what the configuration gives newcomers beneath their bodies, and hold keys to its bounds."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from shared.domain import Role
from shared.errors import BadRequest
from shared.limits.periods import expires_at
from shared.wire.admin_keys import KeyFields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_fields import AdminRequest
    from shared.wire.admin_keys import GenerateKey
    from shared.wire.admin_teams import NewTeam
    from shared.wire.admin_users import NewUser

Asked = TypeVar("Asked", bound="AdminRequest")
OfKey = TypeVar("OfKey", bound=KeyFields)


def new_key_of(desk: Desk, request: GenerateKey, now: Millis) -> GenerateKey:
    """Return what a new key is to be: as asked, else as usual, and within the bounds."""
    newcomers = desk.live.current.newcomers
    filled = _filled(request, newcomers.key)
    return bounded(desk, _filled(filled, newcomers.key_bounds), now)


def new_user_of(desk: Desk, request: NewUser) -> NewUser:
    """Return what a new user is to be; admins of the proxy get nothing by default."""
    newcomers = desk.live.current.newcomers
    if request.user_role == Role.PROXY_ADMIN:
        return request
    filled = _filled(request, newcomers.user)
    is_internal = filled.user_role in (None, Role.INTERNAL_USER)
    return _filled(filled, newcomers.internal_user) if is_internal else filled


def new_team_of(desk: Desk, request: NewTeam) -> NewTeam:
    """Return what a new team is to be."""
    return _filled(request, desk.live.current.newcomers.team)


def bounded(desk: Desk, request: OfKey, now: Millis) -> OfKey:
    """Return the fields of a key, the bound where a null would lift it; raise BadRequest beyond."""
    bounds = desk.live.current.newcomers.key_bounds
    lifted = {name: bounds[name] for name in bounds.keys() & request.model_fields_set}
    request = _filled(request, lifted)
    for name in lifted:
        value, most = getattr(request, name), getattr(KeyFields.model_validate(lifted), name)
        if _is_beyond(value, most, now):
            raise BadRequest(
                f"{name} is over max limit set in config - user_value={value}; max_value={most}",
                param=name,
            )
    return request


def _is_beyond(value: object, most: object, now: Millis) -> bool:
    match value, most:
        case str(), str():
            return value == "-1" or expires_at(value, now) > expires_at(most, now)
        case ((int() | Decimal()), (int() | Decimal())):
            return value > most
        case _:
            return False


def _filled(request: Asked, usual: Mapping[str, object]) -> Asked:
    """Lay fields beneath a body: an empty list is none, a null says never for a duration."""
    missing = {
        name: value
        for name, value in usual.items()
        if getattr(request, name) in (None, [], {})
        and not (name == "budget_duration" and name in request.model_fields_set)
    }
    if not missing:
        return request
    checked = type(request).model_validate({**_required(request), **missing})
    return request.model_copy(update={name: getattr(checked, name) for name in missing})


def _required(request: AdminRequest) -> dict[str, object]:
    fields = type(request).model_fields
    return {name: getattr(request, name) for name in fields if fields[name].is_required()}

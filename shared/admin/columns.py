"""What a request makes of a row's columns: pure, for keys, users and teams alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared.admin.desk import expiry
from shared.wire.admin_keys import ROUTES_OF_KEY_TYPE, KeyColumns, KeyFields
from shared.wire.admin_policies import PolicyColumns, PolicyFields
from shared.wire.admin_teams import TeamColumns, TeamFields

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.admin.desk import Desk
    from shared.domain import Millis

Columns = TypeVar("Columns", bound=PolicyColumns)
OfKey = TypeVar("OfKey", bound=KeyColumns)
OfTeam = TypeVar("OfTeam", bound=TeamColumns)

_NOT_MERELY_SET = frozenset({"spend"})
"""It starts a period: see `set_key_spend` and its like."""


def amended(columns: Columns, request: PolicyFields, desk: Desk, now: Millis) -> Columns:
    """Return the columns with every field the request holds; null means the column's default."""
    known = type(columns).model_fields
    update: dict[str, object] = {}
    for name in request.model_fields_set & known.keys() - _NOT_MERELY_SET:
        value = getattr(request, name)
        default = known[name].get_default(call_default_factory=True)
        update[name] = default if value is None else value
    if "budget_duration" in request.model_fields_set:
        duration = request.budget_duration
        update["budget_reset_at"] = duration and desk.first_reset(duration, now)
    return columns.model_copy(update=update)


def amended_key(columns: OfKey, request: KeyFields, desk: Desk, now: Millis) -> OfKey:
    """Do the same for a key, whose duration, tags and type have columns of other names."""
    key = amended(columns, request, desk, now)
    sent = request.model_fields_set
    update: dict[str, object] = {}
    if "duration" in sent:
        update["expires"] = expiry(request.duration, now)
    if "tags" in sent:
        update["metadata"] = _tagged(key.metadata, request.tags)
    if request.key_type is not None and not request.allowed_routes:
        update["allowed_routes"] = ROUTES_OF_KEY_TYPE[request.key_type]
    return key.model_copy(update=update)


def amended_team(columns: OfTeam, request: TeamFields, desk: Desk, now: Millis) -> OfTeam:
    """Do the same for a team, whose tags lie in its metadata, where LiteLLM looks for them."""
    team = amended(columns, request, desk, now)
    if "tags" not in request.model_fields_set:
        return team
    return team.model_copy(update={"metadata": _tagged(team.metadata, request.tags)})


def _tagged(metadata: dict[str, JsonValue], tags: list[str] | None) -> dict[str, JsonValue]:
    return {**metadata, "tags": [*(tags or [])]}

"""What a request makes of a row's columns: pure, for keys, users and teams alike."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, JsonValue, TypeAdapter

from shared.admin.desk import expiry
from shared.errors import NotPermitted
from shared.limits.periods import parse_duration
from shared.wire.admin_keys import ROUTES_OF_KEY_TYPE, KeyColumns, KeyFields
from shared.wire.admin_policies import PolicyColumns, PolicyFields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_fields import AdminRequest

Columns = TypeVar("Columns", bound=PolicyColumns)
AnyColumns = TypeVar("AnyColumns", bound=BaseModel)
OfKey = TypeVar("OfKey", bound=KeyColumns)

IN_METADATA: Final = (
    "tags",
    "model_rpm_limit",
    "model_tpm_limit",
    "tag_rpm_limit",
    "rpm_limit_type",
    "tpm_limit_type",
    "prompts",
    "enforced_params",
    "temp_budget_increase",
    "temp_budget_expiry",
    "team_member_key_duration",
    "end_user_budget_id",
)
"""Fields without a column: they lie in the metadata, where LiteLLM's clients look for them."""

RESERVED_METADATA: Final = frozenset(IN_METADATA) - {"tags"} | {
    "team_member_budget_id",
    "service_account_id",
    "logging",
}
"""What of the metadata decides something: nobody below the proxy admin sets it by that way."""

_PLAIN: Final[TypeAdapter[JsonValue]] = TypeAdapter(JsonValue)

_NOT_MERELY_SET = frozenset({"spend"})
"""It starts a period: see `set_key_spend` and its like."""


def filled(columns: AnyColumns, request: AdminRequest) -> AnyColumns:
    """Return the columns with every field the request holds; null means the column's default."""
    known = type(columns).model_fields
    update: dict[str, object] = {}
    for name in request.model_fields_set & known.keys() - _NOT_MERELY_SET:
        value = getattr(request, name)
        default = known[name].get_default(call_default_factory=True)
        update[name] = default if value is None else value
    return columns.model_copy(update=update)


def amended(columns: Columns, request: PolicyFields, desk: Desk, now: Millis) -> Columns:
    """Do the same for a policy, whose budget starts afresh by the calendar."""
    policy = filled(columns, request)
    check_model_budgets(policy.model_max_budget)
    update: dict[str, object] = {"metadata": _with_fields(policy.metadata, request)}
    if "budget_limits" in request.model_fields_set:
        update["budget_limits"] = _budget_limits(request)
    if "budget_duration" in request.model_fields_set:
        duration = request.budget_duration
        update["budget_reset_at"] = duration and desk.first_reset(duration, now)
    return policy.model_copy(update=update)


def amended_key(columns: OfKey, request: KeyFields, desk: Desk, now: Millis) -> OfKey:
    """Do the same for a key, whose duration and type have columns of other names."""
    key = amended(columns, request, desk, now)
    update: dict[str, object] = {}
    if "duration" in request.model_fields_set:
        update["expires"] = expiry(request.duration, now)
    if request.rotation_interval is not None:
        parse_duration(request.rotation_interval)
    if request.key_type is not None and not request.allowed_routes:
        update["allowed_routes"] = ROUTES_OF_KEY_TYPE[request.key_type]
    return key.model_copy(update=update)


def check_model_budgets(budgets: Mapping[str, JsonValue]) -> None:
    """Raise BadRequest when a budget of a model is for no span of time."""
    for budget in budgets.values():
        span = isinstance(budget, dict) and (
            budget.get("time_period") or budget.get("budget_duration")
        )
        if span:
            parse_duration(str(span))


def guarded(before: Columns, after: Columns, request: PolicyFields) -> Columns:
    """Keep of the metadata what decides something; raise NotPermitted when that was to change."""
    by_field = request.model_fields_set
    names = [name for name in RESERVED_METADATA - by_field if name in before.metadata]
    kept = {name: before.metadata[name] for name in names}
    metadata = kept | after.metadata
    changed = {
        name for name in RESERVED_METADATA - by_field if metadata.get(name) != kept.get(name)
    }
    if changed:
        listed = ", ".join(sorted(changed))
        raise NotPermitted(f"You may not change these by metadata: {listed}.", param="metadata")
    return after.model_copy(update={"metadata": metadata})


def _with_fields(metadata: dict[str, JsonValue], request: PolicyFields) -> dict[str, JsonValue]:
    sent = [name for name in IN_METADATA if name in request.model_fields_set]
    for name in sent:
        if name.endswith("_duration") and isinstance(span := getattr(request, name), str):
            parse_duration(span)
    kept = {name: value for name, value in metadata.items() if name not in sent}
    values = {name: _plain(getattr(request, name)) for name in sent}
    return kept | {name: value for name, value in values.items() if value not in (None, "")}


def _plain(value: object) -> JsonValue:
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
        case _:
            return _PLAIN.validate_python(value)


def _budget_limits(request: PolicyFields) -> list[dict[str, JsonValue]] | None:
    limits = request.budget_limits
    if limits is None:
        return None
    for limit in limits:
        parse_duration(limit.budget_duration)
    return [
        {"max_budget": float(limit.max_budget), "budget_duration": limit.budget_duration}
        for limit in limits
    ]

"""Change and show parts of the configuration that the database lays over the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shared.admin.given_secrets import check_references, check_variables
from shared.admin.reconfigure import reconfiguring
from shared.config.overlay import ENVIRONMENT, SECTIONS, laid, sealed, shown
from shared.errors import BadRequest, NotFound
from shared.storage import admin_config
from shared.storage.admin_changes import insert_audit
from shared.wire.admin_config import ConfigField, Fallback
from shared.wire.admin_models import Done

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Json, JsonObject
    from shared.storage.postgres import Transaction
    from shared.wire.admin_config import (
        DeleteField,
        FallbackType,
        SetFallback,
        UpdateConfig,
        UpdateField,
    )

TABLE: Final = "LiteLLM_Config"
ROUTER: Final = "router_settings"
FALLBACKS: Final[Mapping[FallbackType, str]] = {
    "general": "fallbacks",
    "context_window": "context_window_fallbacks",
    "content_policy": "content_policy_fallbacks",
}

_CALLBACKS: Final = "success_callback"
_SECRET: Final = re.compile(r"(key|secret|token|password|credential)s?$", re.IGNORECASE)
_OF_THE_PROCESS: Final = frozenset({"master_key", "database_url", "allow_private_api_base"})


class _Part(Done):
    """One part of the configuration, for the audit log; what is sealed is left out."""

    values: dict[str, object]


async def update_config(desk: Desk, caller: Caller, request: UpdateConfig) -> None:
    """Lay what is sent over what is there: all of it or nothing."""
    parts = {name: value for name in (*SECTIONS, ENVIRONMENT) if (value := getattr(request, name))}
    await lay(desk, caller, parts)


async def update_field(desk: Desk, caller: Caller, request: UpdateField) -> ConfigField:
    """Set one setting."""
    if request.field_value is None:
        raise BadRequest("Give the setting a value, or delete it.", param="field_value")
    await lay(desk, caller, {request.config_type: {request.field_name: request.field_value}})
    return await field_info(desk, request.field_name, request.config_type)


async def delete_field(desk: Desk, caller: Caller, request: DeleteField) -> None:
    """Take one setting away; what the file says counts again."""
    row = await admin_config.find_section(desk.stores.postgres, request.config_type)
    if request.field_name not in row:
        raise NotFound(f"Field name={request.field_name} is not in the database.")
    await lay(desk, caller, {request.config_type: {request.field_name: None}})


async def delete_callback(desk: Desk, caller: Caller, name: str) -> list[str]:
    """Take a name out of `litellm_settings.success_callback`; return those that are left."""
    known = {
        each.field_name: each.field_value for each in await list_fields(desk, "litellm_settings")
    }
    named = known.get(_CALLBACKS)
    names = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    if name not in names:
        raise NotFound(
            f"Callback '{name}' not found in active configuration", param="callback_name"
        )
    left = [each for each in names if each != name]
    await lay(desk, caller, {"litellm_settings": {_CALLBACKS: [*left]}})
    return left


async def field_info(desk: Desk, name: str, section: str = "general_settings") -> ConfigField:
    """Tell what a setting is worth, and whether the database says so."""
    row = await admin_config.find_section(desk.stores.postgres, section)
    file = desk.live.file.get(section)
    below = file if isinstance(file, dict) else {}
    if name in row:
        return ConfigField(field_name=name, field_value=_harmless(row[name]), stored_in_db=True)
    if name not in below or name in _OF_THE_PROCESS - {"allow_private_api_base"}:
        raise NotFound(f"Field name={name} is not set.", param="field_name")
    return ConfigField(field_name=name, field_value=_harmless(below[name]), stored_in_db=False)


async def list_fields(desk: Desk, section: str) -> list[ConfigField]:
    """Return every setting of a section, whoever says it."""
    row = await admin_config.find_section(desk.stores.postgres, section)
    file = desk.live.file.get(section)
    below = file if isinstance(file, dict) else {}
    values: JsonObject = {**below, **row}
    return [
        ConfigField(field_name=name, field_value=_harmless(values[name]), stored_in_db=name in row)
        for name in sorted(values.keys() - {"master_key", "database_url"})
    ]


async def whole(desk: Desk) -> JsonObject:
    """Return the configuration in force without models and without secrets."""
    found: JsonObject = {}
    for section in SECTIONS:
        fields = await list_fields(desk, section)
        found[section] = {field.field_name: field.field_value for field in fields}
    variables = await admin_config.find_section(desk.stores.postgres, ENVIRONMENT)
    found[ENVIRONMENT] = dict.fromkeys(sorted(variables), "****")
    return found


async def set_fallback(desk: Desk, caller: Caller, request: SetFallback) -> Fallback:
    """Say which models stand in for a model, after any error or after one kind of it."""
    known = {*desk.live.current.groups, *desk.live.current.router.model_group_alias}
    if request.model not in known:
        raise NotFound(f"Model '{request.model}' is not a model of this gateway.", param="model")
    unknown = [name for name in request.fallback_models if name not in known]
    if unknown:
        raise BadRequest(f"{unknown[0]} is not a model of this gateway.", param="fallback_models")
    if request.model in request.fallback_models:
        raise BadRequest("A model cannot stand in for itself.", param="fallback_models")
    kind = request.fallback_type
    is_there = request.model in _chains(desk, kind)
    await _set_chain(desk, caller, kind, request.model, request.fallback_models)
    return Fallback(
        model=request.model,
        fallback_models=request.fallback_models,
        fallback_type=kind,
        message=f"Fallback configuration {'updated' if is_there else 'created'} successfully",
    )


def fallback_of(desk: Desk, model: str, kind: FallbackType) -> Fallback:
    """Return the models that stand in for one."""
    chain = _chains(desk, kind).get(model)
    if chain is None:
        raise NotFound(f"No {kind} fallbacks are configured for model {model}.", param="model")
    return Fallback(model=model, fallback_models=list(chain), fallback_type=kind)


async def delete_fallback(desk: Desk, caller: Caller, model: str, kind: FallbackType) -> None:
    """Let nothing stand in for a model any more."""
    fallback_of(desk, model, kind)
    await _set_chain(desk, caller, kind, model, [])


def _chains(desk: Desk, kind: FallbackType) -> Mapping[str, tuple[str, ...]]:
    router = desk.live.current.router
    match kind:
        case "general":
            return router.fallbacks
        case "context_window":
            return router.context_window_fallbacks
        case "content_policy":
            return router.content_policy_fallbacks


async def _set_chain(
    desk: Desk, caller: Caller, kind: FallbackType, model: str, chain: list[str]
) -> None:
    async with reconfiguring(desk, ROUTER) as transaction:
        chains = {**_chains(desk, kind), model: tuple(chain)}
        default = desk.live.current.router.default_fallbacks if kind == "general" else ()
        # The list replaces the file's: all that is in force goes into it.
        everything: list[Json] = [_chain(name, names) for name, names in chains.items() if names]
        everything += [_chain("*", default)] if default else []
        await _write(desk, transaction, caller, ROUTER, {FALLBACKS[kind]: everything})


def _chain(model: str, names: tuple[str, ...]) -> Json:
    return {model: list(names)}


async def lay(desk: Desk, caller: Caller, parts: Mapping[str, JsonObject]) -> None:
    """Lay settings over those of each section; a null takes one away."""
    for name, values in parts.items():
        if forbidden := _OF_THE_PROCESS & values.keys():
            raise BadRequest(
                f"{min(forbidden)} cannot be set over the API.", param=f"{name}.{min(forbidden)}"
            )
    async with reconfiguring(desk, ",".join(parts) or "config") as transaction:
        for name, values in parts.items():
            await _write(desk, transaction, caller, name, values)


async def _write(
    desk: Desk, transaction: Transaction, caller: Caller, name: str, values: JsonObject
) -> None:
    before = await admin_config.find_section(transaction, name)
    if name == ENVIRONMENT:
        check_variables(values)
        values = sealed(values, ENVIRONMENT, desk.live.vault)
    else:
        check_references(values, await admin_config.find_section(transaction, ENVIRONMENT))
    after = laid(before, values)
    await admin_config.write_section(transaction, name, after, by=caller.name)
    await insert_audit(
        transaction,
        caller.audit("updated", TABLE, name, before=_part(name, before), after=_part(name, after)),
    )


def _part(name: str, values: JsonObject) -> _Part:
    masked: JsonObject = dict.fromkeys(values, "****")
    visible = masked if name == ENVIRONMENT else shown(values)
    return _Part(message=name, values=_harmless_object(visible))


def _harmless_object(values: JsonObject) -> dict[str, object]:
    return {
        key: "****" if _SECRET.search(key) and value else _harmless(value)
        for key, value in values.items()
    }


def _harmless(value: Json) -> Json:
    """Mask what bears the name of a secret, however deep it lies."""
    match value:
        case dict():
            return {
                key: "****" if _SECRET.search(key) and inner else _harmless(inner)
                for key, inner in value.items()
            }
        case list():
            return [_harmless(inner) for inner in value]
        case _:
            return value

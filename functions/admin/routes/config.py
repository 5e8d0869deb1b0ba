"""The routes under /config and /fallback."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import settings
from shared.wire.admin_config import (
    CallbacksReply,
    ConfigField,
    DeleteCallback,
    DeletedCallback,
    DeleteField,
    Fallback,
    FallbackType,
    Section,
    SetFallback,
    UpdateConfig,
    UpdateField,
)
from shared.wire.admin_fields import Identifier
from shared.wire.admin_models import Done

router = APIRouter(tags=["config"], route_class=DocumentedRoute)

Kind = Annotated[FallbackType, Query()]


@router.post(
    "/config/update", openapi_extra=documented(UpdateConfig), responses={200: {"model": Done}}
)
async def update(request: Request, who: Who) -> Response:
    """Change settings; what would not be valid as a whole is refused with its reasons."""
    body = await asked(request, UpdateConfig)
    await settings.update_config(who.desk, who.caller, body)
    return shown(Done(message="Config updated successfully"))


@router.get("/config/list", responses={200: {"model": list[ConfigField]}})
async def list_(
    who: Who, config_type: Annotated[Section, Query()] = "general_settings"
) -> Response:
    """List the settings of a section."""
    return shown(await settings.list_fields(who.desk, config_type))


@router.get("/config/field/info", responses={200: {"model": ConfigField}})
async def field_info(who: Who, field_name: Annotated[Identifier, Query()]) -> Response:
    """Show one general setting."""
    return shown(await settings.field_info(who.desk, field_name))


@router.post(
    "/config/field/update",
    openapi_extra=documented(UpdateField),
    responses={200: {"model": ConfigField}},
)
async def update_field(request: Request, who: Who) -> Response:
    """Change one setting."""
    body = await asked(request, UpdateField)
    return shown(await settings.update_field(who.desk, who.caller, body))


@router.post(
    "/config/field/delete", openapi_extra=documented(DeleteField), responses={200: {"model": Done}}
)
async def delete_field(request: Request, who: Who) -> Response:
    """Take one setting away; what the file says counts again."""
    body = await asked(request, DeleteField)
    await settings.delete_field(who.desk, who.caller, body)
    return shown(Done(message=f"{body.field_name} deleted"))


@router.get("/config/yaml", responses={200: {"model": dict[str, object]}})
async def yaml(who: Who) -> Response:
    """Show the settings in force as JSON, which is YAML as well; secrets are masked."""
    return shown(await settings.whole(who.desk))


@router.get("/get/config/callbacks", responses={200: {"model": CallbacksReply}})
async def callbacks(who: Who) -> Response:
    """Show the router's settings as LiteLLM's dashboard asks for them."""
    fields = await settings.list_fields(who.desk, settings.ROUTER)
    found = {field.field_name: field.field_value for field in fields}
    return shown(CallbacksReply(router_settings=found))


@router.post(
    "/config/callback/delete",
    openapi_extra=documented(DeleteCallback),
    responses={200: {"model": DeletedCallback}},
)
async def delete_callback(request: Request, who: Who) -> Response:
    """Take a callback out of `success_callback`, which does nothing here but may have been set."""
    body = await asked(request, DeleteCallback)
    left = await settings.delete_callback(who.desk, who.caller, body.callback_name.lower())
    return shown(DeletedCallback.of(body.callback_name.lower(), left, who.now))


@router.post(
    "/fallback", openapi_extra=documented(SetFallback), responses={200: {"model": Fallback}}
)
async def set_fallback(request: Request, who: Who) -> Response:
    """Say which models stand in for a model."""
    body = await asked(request, SetFallback)
    return shown(await settings.set_fallback(who.desk, who.caller, body))


@router.get("/fallback/{model:path}", responses={200: {"model": Fallback}})
async def fallback(
    who: Who, model: Annotated[Identifier, Path()], fallback_type: Kind = "general"
) -> Response:
    """Show which models stand in for a model."""
    return shown(settings.fallback_of(who.desk, model, fallback_type))


@router.delete("/fallback/{model:path}", responses={200: {"model": Done}})
async def delete_fallback(
    who: Who, model: Annotated[Identifier, Path()], fallback_type: Kind = "general"
) -> Response:
    """Let nothing stand in for a model any more."""
    await settings.delete_fallback(who.desk, who.caller, model, fallback_type)
    return shown(Done(message=f"Fallbacks of {model} deleted"))

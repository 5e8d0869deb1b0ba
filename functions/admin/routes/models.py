"""The routes under /model, /model_group and /credentials."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import credentials, model_reads, models, rotation
from shared.wire.admin_fields import Identifier
from shared.wire.admin_models import (
    BlockModel,
    CredentialRow,
    Credentials,
    DeletedModel,
    Done,
    ListModels,
    Migrated,
    MigrationReport,
    ModelEntries,
    ModelGroups,
    ModelPage,
    ModelRow,
    NameModel,
    NewCredential,
    NewModel,
    UpdateCredential,
    UpdateModel,
)

router = APIRouter(tags=["models"], route_class=DocumentedRoute)


@router.post("/model/new", openapi_extra=documented(NewModel), responses={200: {"model": ModelRow}})
async def new(request: Request, who: Who) -> Response:
    """Add a deployment; it can be called from the next request on."""
    body = await asked(request, NewModel)
    return shown(models.visible(await models.new_model(who.desk, who.caller, body)))


@router.post(
    "/model/update", openapi_extra=documented(UpdateModel), responses={200: {"model": ModelRow}}
)
async def update(request: Request, who: Who) -> Response:
    """Lay what is sent over a deployment."""
    body = await asked(request, UpdateModel)
    row = await models.update_model(who.desk, who.caller, models.id_of(body), body)
    return shown(models.visible(row))


@router.patch(
    "/model/{model_id}/update",
    openapi_extra=documented(UpdateModel),
    responses={200: {"model": ModelRow}},
)
async def patch(request: Request, who: Who, model_id: Annotated[Identifier, Path()]) -> Response:
    """Do the same for the deployment in the path."""
    body = await asked(request, UpdateModel)
    return shown(models.visible(await models.update_model(who.desk, who.caller, model_id, body)))


@router.post(
    "/model/delete", openapi_extra=documented(NameModel), responses={200: {"model": DeletedModel}}
)
async def delete(request: Request, who: Who) -> Response:
    """Take a deployment away."""
    body = await asked(request, NameModel)
    await models.delete_model(who.desk, who.caller, body.id)
    return shown(DeletedModel(message=f"Model: {body.id} deleted successfully"))


@router.post(
    "/model/block", openapi_extra=documented(BlockModel), responses={200: {"model": ModelRow}}
)
async def block(request: Request, who: Who) -> Response:
    """Leave a deployment out from the next request on."""
    body = await asked(request, BlockModel)
    row = await models.block_model(who.desk, who.caller, body.model_id, blocked=True)
    return shown(models.visible(row))


@router.post(
    "/model/unblock", openapi_extra=documented(BlockModel), responses={200: {"model": ModelRow}}
)
async def unblock(request: Request, who: Who) -> Response:
    """Let a blocked deployment in again."""
    body = await asked(request, BlockModel)
    row = await models.block_model(who.desk, who.caller, body.model_id, blocked=False)
    return shown(models.visible(row))


@router.get("/model/info", responses={200: {"model": ModelEntries}})
@router.get("/v1/model/info", responses={200: {"model": ModelEntries}})
async def info(
    who: Who, litellm_model_id: Annotated[Identifier | None, Query()] = None
) -> Response:
    """Show the deployments of the models that the caller may call."""
    return shown(await model_reads.model_info(who.desk, who.principal, litellm_model_id))


@router.get("/v2/model/info", responses={200: {"model": ModelPage}})
async def info_page(who: Who, query: Annotated[ListModels, Query()]) -> Response:
    """Show them page by page."""
    return shown(await model_reads.model_page(who.desk, who.principal, query))


@router.get("/model_group/info", responses={200: {"model": ModelGroups}})
async def groups(who: Who, model_group: Annotated[Identifier | None, Query()] = None) -> Response:
    """Show what the deployments of each model have together."""
    return shown(model_reads.model_groups(who.desk.live.current, who.principal, model_group))


@router.post(
    "/credentials", openapi_extra=documented(NewCredential), responses={200: {"model": Done}}
)
async def new_credential(request: Request, who: Who) -> Response:
    """Keep a credential; its values are sealed and never shown again."""
    body = await asked(request, NewCredential)
    await credentials.new_credential(who.desk, who.caller, body)
    return shown(Done(message="Credential created successfully"))


@router.post("/credentials/migrate-encryption", responses={200: {"model": Migrated}})
async def migrate(who: Who, *, dry_run: Annotated[bool, Query()] = False) -> Response:
    """Seal anew, under the current key, what a previous one sealed; a dry run only counts."""
    desk = who.desk
    stale = await rotation.count_stale(desk.stores.postgres, desk.live.vault)
    done = 0 if dry_run else await rotation.rotate_secrets(desk.stores, desk.live.vault)
    report = MigrationReport(migrated=done, residual_legacy=stale - done)
    return shown(Migrated(dry_run=dry_run, report=report))


@router.get("/credentials/migrate-encryption/check", responses={200: {"model": Migrated}})
async def check_migration(who: Who) -> Response:
    """Say how many secrets still need a previous key."""
    stale = await rotation.count_stale(who.desk.stores.postgres, who.desk.live.vault)
    report = MigrationReport(migrated=0, residual_legacy=stale)
    return shown(Migrated(dry_run=True, report=report))


@router.get("/credentials", responses={200: {"model": Credentials}})
async def list_credentials(who: Who) -> Response:
    """List the credentials, their values masked."""
    return shown(await credentials.list_credentials(who.desk))


@router.get("/credentials/by_name/{name:path}", responses={200: {"model": CredentialRow}})
async def credential(who: Who, name: Annotated[Identifier, Path()]) -> Response:
    """Show a credential, its values masked."""
    return shown(await credentials.credential(who.desk, name))


@router.patch(
    "/credentials/{name:path}",
    openapi_extra=documented(UpdateCredential),
    responses={200: {"model": Done}},
)
async def update_credential(
    request: Request, who: Who, name: Annotated[Identifier, Path()]
) -> Response:
    """Lay what is sent over a credential."""
    body = await asked(request, UpdateCredential)
    await credentials.update_credential(who.desk, who.caller, name, body)
    return shown(Done(message="Credential updated successfully"))


@router.delete("/credentials/{name:path}", responses={200: {"model": Done}})
async def delete_credential(who: Who, name: Annotated[Identifier, Path()]) -> Response:
    """Forget a credential that no model names."""
    await credentials.delete_credential(who.desk, who.caller, name)
    return shown(Done(message="Credential deleted successfully"))

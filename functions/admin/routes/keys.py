"""The routes under /key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from functions.admin.idempotency import answer_once
from shared.admin import key_reads, key_rotation, keys, many_keys
from shared.wire.admin_fields import KeyReference
from shared.wire.admin_keys import (
    AliasPage,
    DeletedKeys,
    DeleteKeys,
    GeneratedKey,
    GenerateKey,
    KeyHealth,
    KeyInfo,
    KeyInfosReply,
    KeyPage,
    ListAliases,
    ListKeys,
    NameKey,
    NameKeys,
    RegenerateKey,
    ResetSpend,
    ShownKeyInfo,
    UpdatedKeys,
    UpdateKey,
    UpdateKeys,
    UpdateTeamKeys,
)

router = APIRouter(tags=["keys"], route_class=DocumentedRoute)


def keyed(body: GenerateKey, secret: str | None) -> GenerateKey:
    """Ask for this very key, unless the caller asks for one."""
    return body if secret is None or body.key else body.model_copy(update={"key": secret})


def rekeyed(body: RegenerateKey, secret: str | None) -> RegenerateKey:
    """Do the same for another secret of a key."""
    return body if secret is None or body.new_key else body.model_copy(update={"new_key": secret})


@router.post(
    "/key/generate",
    openapi_extra=documented(GenerateKey),
    responses={200: {"model": GeneratedKey}},
)
async def generate(request: Request, who: Who) -> Response:
    """Make a virtual key; the answer is the only time it is told."""
    body = await asked(request, GenerateKey)
    return await answer_once(
        request,
        who,
        body,
        lambda secret: keys.generate_key(who.desk, who.caller, keyed(body, secret), who.now),
    )


@router.post(
    "/key/service-account/generate",
    openapi_extra=documented(GenerateKey),
    responses={200: {"model": GeneratedKey}},
)
async def generate_service_account(request: Request, who: Who) -> Response:
    """Make a key of a team that belongs to nobody in it."""
    body = await asked(request, GenerateKey)
    return await answer_once(
        request,
        who,
        body,
        lambda secret: keys.generate_service_key(
            who.desk, who.caller, keyed(body, secret), who.now
        ),
    )


@router.post(
    "/key/update", openapi_extra=documented(UpdateKey), responses={200: {"model": KeyInfo}}
)
async def update(request: Request, who: Who) -> Response:
    """Change the fields of a key that are sent."""
    body = await asked(request, UpdateKey)
    key = await keys.update_key(who.desk, who.caller, body, who.now)
    return shown({"key": key.token, **key.model_dump()})


@router.post(
    "/key/bulk_update",
    openapi_extra=documented(UpdateKeys),
    responses={200: {"model": UpdatedKeys}},
)
async def bulk_update(request: Request, who: Who) -> Response:
    """Change many keys, each for itself."""
    body = await asked(request, UpdateKeys)
    return shown(await many_keys.update_keys(who.desk, who.caller, body, who.now))


@router.post(
    "/team/key/bulk_update",
    openapi_extra=documented(UpdateTeamKeys),
    responses={200: {"model": UpdatedKeys}},
)
async def bulk_update_of_team(request: Request, who: Who) -> Response:
    """Give keys of one team the same fields, those named or all that can be used."""
    body = await asked(request, UpdateTeamKeys)
    return shown(await many_keys.update_team_keys(who.desk, who.caller, body, who.now))


@router.post(
    "/key/regenerate",
    openapi_extra=documented(RegenerateKey),
    responses={200: {"model": GeneratedKey}},
)
async def regenerate(
    request: Request, who: Who, key: Annotated[KeyReference | None, Query()] = None
) -> Response:
    """Give the key that the body names, or else the query, another secret; else the caller's."""
    body = await asked(request, RegenerateKey)
    if body.key is None and key is not None:
        body = body.model_copy(update={"key": key})
    return await answer_once(
        request,
        who,
        body,
        lambda secret: key_rotation.regenerate_key(
            who.desk, who.caller, None, rekeyed(body, secret), who.now
        ),
    )


@router.post(
    "/key/{key}/regenerate",
    openapi_extra=documented(RegenerateKey),
    responses={200: {"model": GeneratedKey}},
)
async def regenerate_named(
    request: Request, who: Who, key: Annotated[KeyReference, Path()]
) -> Response:
    """Give the key in the path another secret."""
    body = await asked(request, RegenerateKey)
    return await answer_once(
        request,
        who,
        body,
        lambda secret: key_rotation.regenerate_key(
            who.desk, who.caller, key, rekeyed(body, secret), who.now
        ),
    )


@router.post(
    "/key/{key}/reset_spend",
    openapi_extra=documented(ResetSpend),
    responses={200: {"model": KeyInfo}},
)
async def reset_spend(request: Request, who: Who, key: Annotated[KeyReference, Path()]) -> Response:
    """Start a key's spend anew."""
    body = await asked(request, ResetSpend)
    return shown(await key_rotation.reset_key_spend(who.desk, who.caller, key, body, who.now))


@router.post("/key/health", responses={200: {"model": KeyHealth}})
async def health(who: Who) -> Response:
    """Say that the caller's key is good; who gets this far has one that is."""
    del who
    return shown(KeyHealth())


@router.post(
    "/key/delete", openapi_extra=documented(DeleteKeys), responses={200: {"model": DeletedKeys}}
)
async def delete(request: Request, who: Who) -> Response:
    """Delete keys: all of them or none."""
    body = await asked(request, DeleteKeys)
    named = await keys.delete_keys(who.desk, who.caller, body)
    return shown(DeletedKeys(deleted_keys=named))


@router.post("/key/block", openapi_extra=documented(NameKey), responses={200: {"model": KeyInfo}})
async def block(request: Request, who: Who) -> Response:
    """Refuse a key from its next request on."""
    body = await asked(request, NameKey)
    return shown(await keys.block_key(who.desk, who.caller, body, who.now, blocked=True))


@router.post("/key/unblock", openapi_extra=documented(NameKey), responses={200: {"model": KeyInfo}})
async def unblock(request: Request, who: Who) -> Response:
    """Let a blocked key in again."""
    body = await asked(request, NameKey)
    return shown(await keys.block_key(who.desk, who.caller, body, who.now, blocked=False))


@router.get("/key/info", responses={200: {"model": ShownKeyInfo}})
async def info(who: Who, key: Annotated[KeyReference | None, Query()] = None) -> Response:
    """Show a key, without a name the caller's own."""
    reply = await key_reads.key_info(who.desk, who.caller, key, who.now)
    columns = reply.info.model_dump(exclude={"token"})
    status = {} if reply.status is None else {"status": reply.status}
    budget = {"litellm_budget_table": reply.budget}
    return shown({"key": reply.key, "info": columns | budget | status})


@router.post(
    "/v2/key/info", openapi_extra=documented(NameKeys), responses={200: {"model": KeyInfosReply}}
)
async def infos(request: Request, who: Who) -> Response:
    """Show those of the keys that there are."""
    body = await asked(request, NameKeys)
    return shown(await key_reads.key_infos(who.desk, who.caller, body, who.now))


@router.get("/key/aliases", responses={200: {"model": AliasPage}})
async def aliases(who: Who, asked_for: Annotated[ListAliases, Query()]) -> Response:
    """List the aliases of keys page by page."""
    return shown(await key_reads.list_aliases(who.desk, who.caller, asked_for))


@router.get("/key/list", responses={200: {"model": KeyPage}})
async def list_(who: Who, asked_for: Annotated[ListKeys, Query()]) -> Response:
    """List keys page by page."""
    return shown(await key_reads.list_keys(who.desk, who.caller, asked_for, who.now))

"""The routes under /key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from shared.admin import key_reads, keys
from shared.wire.admin_fields import KeyReference
from shared.wire.admin_keys import (
    DeletedKeys,
    DeleteKeys,
    GeneratedKey,
    GenerateKey,
    KeyInfo,
    KeyInfoReply,
    KeyPage,
    ListKeys,
    NameKey,
    UpdateKey,
)

router = APIRouter(tags=["keys"])


@router.post(
    "/key/generate",
    openapi_extra=documented(GenerateKey),
    responses={200: {"model": GeneratedKey}},
)
async def generate(request: Request, who: Who) -> Response:
    """Make a virtual key; the answer is the only time it is told."""
    body = await asked(request, GenerateKey)
    return shown(await keys.generate_key(who.desk, who.caller, body, who.now))


@router.post(
    "/key/update", openapi_extra=documented(UpdateKey), responses={200: {"model": KeyInfo}}
)
async def update(request: Request, who: Who) -> Response:
    """Change the fields of a key that are sent."""
    body = await asked(request, UpdateKey)
    key = await keys.update_key(who.desk, who.caller, body, who.now)
    return shown({"key": key.token, **key.model_dump()})


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


@router.get("/key/info", responses={200: {"model": KeyInfoReply}})
async def info(who: Who, key: Annotated[KeyReference | None, Query()] = None) -> Response:
    """Show a key, without a name the caller's own."""
    reply = await key_reads.key_info(who.desk, who.caller, key, who.now)
    columns = reply.info.model_dump(exclude={"token"})
    status = {} if reply.status is None else {"status": reply.status}
    return shown({"key": reply.key, "info": columns | status})


@router.get("/key/list", responses={200: {"model": KeyPage}})
async def list_(who: Who, asked_for: Annotated[ListKeys, Query()]) -> Response:
    """List keys page by page."""
    return shown(await key_reads.list_keys(who.desk, who.caller, asked_for, who.now))

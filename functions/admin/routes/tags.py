"""The routes under /tag."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import tags
from shared.wire.admin_customers import (
    ChangedTag,
    NameTag,
    NameTags,
    NewTag,
    TagInfo,
    Told,
    UpdateTag,
)

router = APIRouter(tags=["tags"], route_class=DocumentedRoute)


@router.post("/tag/new", openapi_extra=documented(NewTag), responses={200: {"model": ChangedTag}})
async def new(request: Request, who: Who) -> Response:
    """Make a tag with models and a budget."""
    body = await asked(request, NewTag)
    tag = await tags.new_tag(who.desk, who.caller, body, who.now)
    return shown(ChangedTag(message=f"Tag {tag.name} created successfully", tag=tag))


@router.post(
    "/tag/update", openapi_extra=documented(UpdateTag), responses={200: {"model": ChangedTag}}
)
async def update(request: Request, who: Who) -> Response:
    """Change the fields of a tag that are sent."""
    body = await asked(request, UpdateTag)
    tag = await tags.update_tag(who.desk, who.caller, body, who.now)
    return shown(ChangedTag(message=f"Tag {tag.name} updated successfully", tag=tag))


@router.post(
    "/tag/info",
    openapi_extra=documented(NameTags),
    responses={200: {"model": dict[str, TagInfo]}},
)
async def info(request: Request, who: Who) -> Response:
    """Show tags by name."""
    found = await tags.tag_infos(who.desk, await asked(request, NameTags))
    return shown(dict(found))


@router.get("/tag/list", responses={200: {"model": list[TagInfo]}})
async def list_(who: Who) -> Response:
    """Show the newest tags."""
    return shown(await tags.list_tags(who.desk))


@router.post("/tag/delete", openapi_extra=documented(NameTag), responses={200: {"model": Told}})
async def delete(request: Request, who: Who) -> Response:
    """Delete a tag."""
    body = await asked(request, NameTag)
    await tags.delete_tag(who.desk, who.caller, body)
    return shown(Told(message=f"Tag {body.name} deleted successfully"))

"""The routes /{user|team|organization|customer|tag}/daily/activity: pages, whole, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from functions.admin.bodies import shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin.activity import daily_activity, whole_activity
from shared.admin.activity_export import csv_of, export_activity
from shared.wire.admin_reports import Activity, ActivityExport, ActivityReply, ExportRow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.storage.spend_reports import Kind

    Route = Callable[..., Awaitable[Response]]

router = APIRouter(tags=["reports"], route_class=DocumentedRoute)

_ABOUT: Final[dict[str, tuple[Kind, str]]] = {
    "user": ("user", "of a user, without an id the caller's; to admins everybody's"),
    "team": ("team", "of teams that the caller runs"),
    "organization": ("organization", "of organisations that the caller runs"),
    "customer": ("customer", "of customers"),
    "end_user": ("customer", "of customers"),
    "tag": ("tag", "of tags; a request counts under each of its tags"),
}


def _paged(kind: Kind) -> Route:
    async def paged(who: Who, query: Annotated[Activity, Query()]) -> Response:
        return shown(await daily_activity(who.desk, who.caller, kind, query, who.now))

    return paged


def _whole(kind: Kind) -> Route:
    async def whole(who: Who, query: Annotated[Activity, Query()]) -> Response:
        return shown(await whole_activity(who.desk, who.caller, kind, query, who.now))

    return whole


def _export(kind: Kind) -> Route:
    async def export(who: Who, query: Annotated[ActivityExport, Query()]) -> Response:
        rows, name = await export_activity(who.desk, who.caller, kind, query, who.now)
        headers = {
            "cache-control": "no-store",
            "content-disposition": f'attachment; filename="{name}"',
        }
        if query.format == "csv":
            return Response(csv_of(rows), headers=headers, media_type="text/csv")
        reply = shown(rows)
        reply.headers.update(headers)
        return reply

    return export


for _name, (_kind, _whose) in _ABOUT.items():
    _path = f"/{_name}/daily/activity"
    for _full, _route, _how in (
        (_path, _paged(_kind), "page by page"),
        (f"{_path}/aggregated", _whole(_kind), "all at once"),
    ):
        router.add_api_route(
            _full,
            _route,
            responses={200: {"model": ActivityReply}},
            description=f"Show the days {_whose}: {_how}.",
            name=_full.strip("/").replace("/", "_"),
        )
    router.add_api_route(
        f"{_path}/export",
        _export(_kind),
        responses={
            200: {
                "model": list[ExportRow],
                "content": {"text/csv": {"schema": {"type": "string"}}},
                "description": "The rows, as a file.",
            }
        },
        description=f"Show the days {_whose}: as a table.",
        name=f"{_name}_daily_activity_export",
    )

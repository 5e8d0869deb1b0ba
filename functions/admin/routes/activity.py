"""The routes /{user|team|organization|customer|tag}/daily/activity, page by page and whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from functions.admin.bodies import shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin.activity import daily_activity, whole_activity
from shared.wire.admin_reports import Activity, ActivityReply

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

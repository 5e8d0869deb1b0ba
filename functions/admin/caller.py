"""Who calls: the one dependency that every route but the public ones has."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation

from functions.admin.state import state_of
from shared.admin.caller import caller_of, check_route
from shared.auth.authenticate import authenticate
from shared.auth.authorize import check_standing
from shared.auth.keys import presented_key
from shared.domain import Millis
from shared.errors import BadRequest
from shared.wire.admin_fields import MAX_TEXT, is_printable

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Principal

CHANGED_BY = "litellm-changed-by"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller whose role opens the route, where they are served, and when."""

    caller: Caller
    principal: Principal
    desk: Desk
    now: Millis


async def admit(request: Request) -> Admitted:
    """Authenticate the caller and check the route; raise NotAuthenticated or NotPermitted."""
    state = state_of(request.app)
    now = Millis(time.time_ns() // 1_000_000)
    await state.desk.live.refresh()
    header = state.desk.live.current.general.key_header_name
    principal = await authenticate(
        presented_key(request.headers, header), state.desk.stores, state.settings, now
    )
    check_standing(principal, now)
    # The route's own template, never the path as it was sent: it decides who may call.
    route = f"{request.method} {request.scope['route'].path}"
    db = state.desk.stores.postgres
    caller = await caller_of(db, principal, route, _on_behalf_of(request))
    check_route(caller)
    return Admitted(caller, principal, state.desk, now)


Who = Annotated[Admitted, Depends(admit)]


def _on_behalf_of(request: Request) -> str | None:
    name = request.headers.get(CHANGED_BY)
    if name is not None and not (len(name) <= MAX_TEXT and is_printable(name)):
        raise BadRequest(f"The header {CHANGED_BY} is not a name.", param=CHANGED_BY)
    return name or None

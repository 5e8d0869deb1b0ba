"""The header `Idempotency-Key` on the routes whose answers hold a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from functions.admin.bodies import shown
from shared.admin.once import once
from shared.errors import BadRequest
from shared.wire.admin_fields import MAX_TEXT, is_printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel
    from starlette.requests import Request

    from functions.admin.caller import Admitted
    from shared.wire.admin_fields import AdminRequest

HEADER: Final = "Idempotency-Key"
REPEATED: Final = "idempotent-replayed"


async def answer_once(
    request: Request,
    who: Admitted,
    body: AdminRequest,
    make: Callable[[], Awaitable[BaseModel]],
) -> Response:
    """Answer with what `make` makes, or with what the same request was answered before."""
    idempotency_key = request.headers.get(HEADER)
    if idempotency_key is None:
        return shown(await make())
    if not (0 < len(idempotency_key) <= MAX_TEXT and is_printable(idempotency_key)):
        raise BadRequest(f"{HEADER} must be 1 to {MAX_TEXT} printable characters.", param=HEADER)
    asked = f"{request.scope['path']} {body.model_dump_json(exclude_unset=True)}".encode()

    async def made() -> bytes:
        return bytes(shown(await make()).body)

    redis = who.desk.stores.redis
    answer = await once(redis, who.caller, (idempotency_key, asked), made)
    headers = {REPEATED: "true"} if answer.is_repeated else {}
    return Response(answer.body, headers=headers, media_type="application/json")

"""The header `Idempotency-Key` on the routes whose answers hold a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from functions.admin.bodies import shown
from shared.admin.keys import known_key
from shared.admin.once import once
from shared.errors import BadRequest
from shared.wire.admin_fields import MAX_TEXT, is_printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel
    from starlette.requests import Request

    from functions.admin.caller import Admitted
    from shared.admin.desk import Desk
    from shared.wire.admin_fields import AdminRequest

    Make = Callable[[str | None], Awaitable[BaseModel]]
    Recall = Callable[[Desk, str], Awaitable[BaseModel | None]]

HEADER: Final = "Idempotency-Key"
REPEATED: Final = "idempotent-replayed"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the use cases answer, as bytes."""

    desk: Desk
    made: Make
    recalled: Recall

    async def make(self, secret: str) -> bytes:
        """Do it."""
        return bytes(shown(await self.made(secret)).body)

    async def recall(self, secret: str) -> bytes | None:
        """See whether it was done."""
        found = await self.recalled(self.desk, secret)
        return None if found is None else bytes(shown(found).body)


async def answer_once(
    request: Request,
    who: Admitted,
    body: AdminRequest,
    make: Make,
    recall: Recall = known_key,
) -> Response:
    """Answer with what `make` makes, or with what the same request was answered before.

    `make` is told the secret to use, None for any; `recall` finds what was made with it.
    """
    idempotency_key = request.headers.get(HEADER)
    if idempotency_key is None:
        return shown(await make(None))
    if not (0 < len(idempotency_key) <= MAX_TEXT and is_printable(idempotency_key)):
        raise BadRequest(f"{HEADER} must be 1 to {MAX_TEXT} printable characters.", param=HEADER)
    asked = f"{request.scope['path']} {body.model_dump_json(exclude_unset=True)}".encode()
    answer = await once(
        who.desk, who.caller, (idempotency_key, asked), _Shown(who.desk, make, recall)
    )
    headers = {REPEATED: "true"} if answer.is_repeated else {}
    return Response(answer.body, headers=headers, media_type="application/json")

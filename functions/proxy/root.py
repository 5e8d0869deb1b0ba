"""The bare address: clients such as Claude Code ask it (HEAD) whether anybody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request


async def is_here(_request: Request) -> Response:
    """Say that the gateway is here, to whoever asks."""
    return Response('{"status":"ok"}', media_type="application/json")

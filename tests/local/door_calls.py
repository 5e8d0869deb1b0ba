"""A request to the door, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp


async def post(
    http: aiohttp.ClientSession,
    path: str,
    *,
    json: object = None,
    data: str | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, object]:
    async with http.post(path, json=json, data=data, headers=headers) as reply:
        return reply.status, await reply.json()

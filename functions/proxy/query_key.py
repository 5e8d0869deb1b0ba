"""Google's clients may put their key into the query: `?key=`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

_HEADER: Final = "x-goog-api-key"


def with_key_of_query(request: Request) -> Mapping[str, str]:
    """Return the headers with the query's key where Google's own header would have it."""
    key = request.query_params.get("key")
    if key is None or _HEADER in request.headers:
        return request.headers
    return {**request.headers, _HEADER: key}

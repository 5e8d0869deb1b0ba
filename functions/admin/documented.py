"""Routes whose answers are described when somebody asks for the document, not at every start."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.routing import BaseRoute

Answers = dict[int | str, dict[str, Any]]


class DocumentedRoute(APIRoute):
    """A route that FastAPI makes without the models of its answers, which it only shows."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        responses: Answers | None = None,
        **options: Any,  # noqa: ANN401 - FastAPI's own, thirty of them
    ) -> None:
        """Keep what the whole route is made of."""
        super().__init__(path, endpoint, **options)
        self.whole = partial(APIRoute, path, endpoint, responses=responses, **options)


def whole(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """Return routes with everything that the document tells of them."""
    return [route.whole() if isinstance(route, DocumentedRoute) else route for route in routes]

"""The LLM routes as an ASGI app. A path is one row of `ROUTES`; what happens is in llm.py."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from functions.proxy.content import METHODS, content, content_or_passing
from functions.proxy.llm import answer
from functions.proxy.models import list_models, show_model
from functions.proxy.pass_through import pass_through
from functions.proxy.root import is_here
from functions.proxy.state import following
from functions.proxy.stored_responses import stored_response
from shared.domain import Endpoint
from shared.runtime.http import guard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from shared.gateway.gateway import Gateway

    Handler = Callable[[Request], Awaitable[Response]]


class Forgiving(Route):
    """A route that a slash at its end does not miss."""

    def __init__(self, path: str, endpoint: Handler, *, methods: list[str]) -> None:
        super().__init__(path, endpoint, methods=methods)
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + "/?$")


RESPONSE_POSTS = (
    ("/responses", Endpoint.RESPONSES),
    ("/responses/input_tokens", Endpoint.RESPONSE_TOKENS),
    ("/responses/compact", Endpoint.COMPACT),
)
POSTS = (
    ("/chat/completions", Endpoint.CHAT),
    ("/completions", Endpoint.COMPLETION),
    ("/embeddings", Endpoint.EMBEDDING),
    *RESPONSE_POSTS,
    ("/moderations", Endpoint.MODERATION),
    ("/rerank", Endpoint.RERANK),
    ("/images/generations", Endpoint.IMAGE),
    ("/images/edits", Endpoint.IMAGE_EDIT),
    ("/audio/speech", Endpoint.SPEECH),
    ("/audio/transcriptions", Endpoint.TRANSCRIPTION),
)
V1_POSTS = (
    ("/messages", Endpoint.MESSAGES),
    ("/messages/count_tokens", Endpoint.COUNT_TOKENS),
)
GETS = (
    ("/models", list_models),
    ("/models/{model:path}", show_model),
)
STORED_RESPONSES = (
    ("", ["GET", "DELETE"]),
    ("/input_items", ["GET"]),
    ("/cancel", ["POST"]),
)
PREFIXES = ("/v1", "")
WITH_MODEL = (
    "/engines/{model:path}",
    "/v1/engines/{model:path}",
    "/openai/deployments/{model:path}",
)
"""Before a path, in the manner of OpenAI's first API and of Azure."""


def make_app(gateway: Gateway | None = None) -> Starlette:
    """Build the app; without a gateway it opens its own from the environment, on first use."""
    app = Starlette(
        routes=[*_google(), *_answers(), *_lists(), *_stored(), *_rest()], lifespan=following
    )
    app.state.gateway = gateway
    guard(app)
    return app


def _answers() -> list[Route]:
    """Route what is asked of a model; a slash at the end is forgiven."""
    paths = [
        (prefix + path, path, endpoint)
        for prefix in (*PREFIXES, *WITH_MODEL)
        for path, endpoint in POSTS
    ]
    paths += [("/v1" + path, path, endpoint) for path, endpoint in V1_POSTS]
    paths += [("/openai/v1" + path, path, endpoint) for path, endpoint in RESPONSE_POSTS]
    paths.append(("/v2/rerank", "/rerank", Endpoint.RERANK))
    return [
        Forgiving(path, partial(answer, endpoint, route), methods=["POST"])
        for path, route, endpoint in paths
    ]


def _google() -> list[Route]:
    """Route Google's paths: its SDKs say a version, LiteLLM takes them without one too."""
    return [
        *(
            Route(
                f"{prefix}/models/{{model:path}}:{method}",
                partial(content, method),
                methods=["POST"],
            )
            for prefix in ("/v1beta", *PREFIXES)
            for method in METHODS
        ),
        *(
            Route(
                f"/gemini/{{version}}/models/{{model:path}}:{method}",
                partial(content_or_passing, method),
                methods=["POST"],
            )
            for method in METHODS
        ),
    ]


def _lists() -> list[Route]:
    return [
        Forgiving(prefix + path, handler, methods=["GET"])
        for prefix in ("/v1beta", *PREFIXES)
        for path, handler in GETS
    ]


def _stored() -> list[Route]:
    return [
        Route(
            f"{prefix}/responses/{{response_id}}{tail}",
            partial(stored_response, tail),
            methods=methods,
        )
        for prefix in (*PREFIXES, "/openai/v1")
        for tail, methods in STORED_RESPONSES
    ]


def _rest() -> list[Route]:
    return [
        Route("/", is_here, methods=["GET"]),
        Route(
            "/{provider:provider}/{path:path}",
            pass_through,
            methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        ),
    ]


app = make_app()

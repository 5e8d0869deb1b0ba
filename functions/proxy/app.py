"""The LLM routes as an ASGI app. A path is one row of `ROUTES`; what happens is in llm.py."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from functions.proxy.llm import answer
from functions.proxy.models import list_models, show_model
from functions.proxy.pass_through import pass_through
from functions.proxy.root import is_here
from functions.proxy.state import following
from functions.proxy.stored_responses import stored_response
from shared.domain import Endpoint
from shared.runtime.http import guard

if TYPE_CHECKING:
    from shared.gateway.gateway import Gateway

POSTS = (
    ("/chat/completions", Endpoint.CHAT),
    ("/completions", Endpoint.COMPLETION),
    ("/embeddings", Endpoint.EMBEDDING),
    ("/responses", Endpoint.RESPONSES),
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
    routes = [
        Route(prefix + path, partial(answer, endpoint, path), methods=["POST"])
        for prefix in PREFIXES
        for path, endpoint in POSTS
    ]
    routes += [
        Route("/v1" + path, partial(answer, endpoint, path), methods=["POST"])
        for path, endpoint in V1_POSTS
    ]
    routes += [
        Route(prefix + path, handler, methods=["GET"])
        for prefix in PREFIXES
        for path, handler in GETS
    ]
    routes.append(Route("/", is_here, methods=["GET"]))
    routes += [
        Route(
            f"{prefix}/responses/{{response_id}}{tail}",
            partial(stored_response, tail),
            methods=methods,
        )
        for prefix in PREFIXES
        for tail, methods in STORED_RESPONSES
    ]
    routes += [
        Route(prefix + path, partial(answer, endpoint, path), methods=["POST"])
        for prefix in WITH_MODEL
        for path, endpoint in POSTS
    ]
    routes.append(
        Route("/v2/rerank", partial(answer, Endpoint.RERANK, "/rerank"), methods=["POST"])
    )
    routes.append(
        Route(
            "/{provider:provider}/{path:path}",
            pass_through,
            methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        )
    )
    app = Starlette(routes=routes, lifespan=following)
    app.state.gateway = gateway
    guard(app)
    return app


app = make_app()

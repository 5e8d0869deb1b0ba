from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from shared.config.model import Config, RouterSettings
from shared.domain import Call, Deployment, Endpoint
from shared.errors import ProviderFailed

if TYPE_CHECKING:
    from collections.abc import Iterable


def deployment(group: str = "chat", /, **fields: Any) -> Deployment:  # noqa: ANN401 - any field
    defaults: dict[str, Any] = {
        "id": f"{group}-1",
        "model_group": group,
        "provider": "openai",
        "model": "gpt-4o",
        "api_base": "http://host/v1",
    }
    return Deployment(**(defaults | fields))


def config(deployments: Iterable[Deployment] = (), /, **router: Any) -> Config:  # noqa: ANN401
    return Config(deployments=tuple(deployments), router=RouterSettings(**router))


def call(model: str = "chat", /, **fields: Any) -> Call:  # noqa: ANN401 - any field
    return Call(id="1", endpoint=Endpoint.CHAT, model=model, body={}, **fields)


def failure(status: int, *, retry_after: int | None = None) -> ProviderFailed:
    return ProviderFailed(
        "It failed.", status=status, type="api_error", retryable=True, retry_after=retry_after
    )


def seeded() -> Random:
    return Random(7)  # noqa: S311 - nothing is kept secret by it

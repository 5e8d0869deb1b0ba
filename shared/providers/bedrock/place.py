"""Where Bedrock's models are, what opens them, and what its errors mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from shared.providers.failures import failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Deployment
    from shared.errors import ProviderFailed

_MODEL_ERROR: Final = 424
_STATUSES: Final[Mapping[str, int]] = {
    "throttlingException": 429,
    "validationException": 400,
    "modelStreamErrorException": 502,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 408,
}


def bedrock_url(to: Deployment, model: str, method: str) -> str:
    """Address a method of a model.

    The colon stays as it is: the client that sends the URL would write it so, and a signature
    covers what is sent.
    """
    return f"{to.api_base.rstrip('/')}/model/{quote(model, safe=':')}/{method}"


def bedrock_headers(to: Deployment) -> dict[str, str]:
    """Return what opens a deployment with a key; one without is signed before it is sent.

    The key is a bearer token (docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html, read
    2026-11).
    """
    key = {"authorization": f"Bearer {to.api_key}"} if to.api_key else {}
    return {"content-type": "application/json", **key, **to.extra_headers}


def bedrock_failure(status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
    """Read an error; 424 is the model's own failure, not the caller's."""
    return failure(502 if status == _MODEL_ERROR else status, headers, body)


def streamed_failure(kind: str, payload: bytes) -> ProviderFailed:
    """Read an error that came as a frame."""
    return failure(_STATUSES.get(kind, 502), {}, payload)

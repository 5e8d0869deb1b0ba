"""The SDKs raise the class that a vendor's error means, whoever the vendor is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

from tests.gateway.given import model
from tests.provider import Behaviour
from tests.providers.wires import WIRES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

HELLO: Any = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
CLASSES = [
    (400, "BadRequestError"),
    (401, "AuthenticationError"),
    (403, "PermissionDeniedError"),
    (404, "NotFoundError"),
    (422, "UnprocessableEntityError"),
    (429, "RateLimitError"),
    (500, "InternalServerError"),
    (503, "InternalServerError"),
]
names = pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "bedrock"])


async def at(name: str, proxy: Proxy, provider: Provider) -> httpx.AsyncClient:
    """A gateway before a vendor that will fail in every way, one after the other."""
    deployed = model("m", provider.url, model=f"{name}/a", api_base=provider.url)
    calm: Any = {"num_retries": 0, "disable_cooldowns": True}
    _, client = await proxy(deployed, router_settings=calm)
    provider.next(*(Behaviour(status=status, body=WIRES[name].error) for status, _ in CLASSES))
    return client


@names
async def test_openais_sdk_raises_its_own_class(
    proxy: Proxy, provider: Provider, given: Given, name: str
) -> None:
    client = await at(name, proxy, provider)
    key = await given.key()

    raised: list[tuple[int, str]] = []
    async with openai.AsyncOpenAI(
        base_url=f"{client.base_url}/v1", api_key=key.token, max_retries=0
    ) as sdk:
        for _ in CLASSES:
            with pytest.raises(openai.APIStatusError) as caught:
                await sdk.chat.completions.create(**HELLO)
            raised.append((caught.value.status_code, type(caught.value).__name__))
            assert "canary" not in str(caught.value)

    assert CLASSES == raised


@names
async def test_anthropics_sdk_raises_its_own_class_and_reads_its_own_shape(
    proxy: Proxy, provider: Provider, given: Given, name: str
) -> None:
    client = await at(name, proxy, provider)
    key = await given.key()

    raised: list[tuple[int, str]] = []
    async with anthropic.AsyncAnthropic(
        base_url=str(client.base_url), api_key=key.token, max_retries=0
    ) as sdk:
        for _ in CLASSES:
            with pytest.raises(anthropic.APIStatusError) as caught:
                await sdk.messages.create(**HELLO, max_tokens=9)
            raised.append((caught.value.status_code, type(caught.value).__name__))
            body: Any = caught.value.body
            assert ("error", True) == (body["type"], bool(body["error"]["message"]))

    assert [(status, of_anthropic(status, name)) for status, name in CLASSES] == raised


def of_anthropic(status: int, name: str) -> str:
    """Anthropic's SDK has a class of its own for a busy service."""
    return "ServiceUnavailableError" if status == 503 else name

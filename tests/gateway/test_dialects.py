"""A chat through the gateway to each vendor's own API, whole and streamed, billed to the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.gateway.given import INPUT_PRICE, OUTPUT_PRICE, ledger, model
from tests.provider import Behaviour
from tests.providers.wires import WIRES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
CACHE_READ = INPUT_PRICE / 10
CACHE_WRITE = INPUT_PRICE * 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["anthropic", "azure", "bedrock", "cohere", "gemini", "mistral"])
async def test_openais_sdk_reaches_every_vendor_and_pays_for_what_was_used(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    provider: Provider,
    given: Given,
    name: str,
    *,
    stream: bool,
) -> None:
    wire = WIRES[name]
    deployed = model(
        "m",
        provider.url,
        model=f"{name}/a-model",
        api_base=provider.url,
        cache_read_input_token_cost=float(CACHE_READ),
        cache_creation_input_token_cost=float(CACHE_WRITE),
    )
    gateway, client = await proxy(deployed)
    key = await given.key()
    provider.next(Behaviour(chunks=[wire.stream]) if stream else Behaviour(body=wire.reply))

    async with openai.AsyncOpenAI(
        base_url=f"{client.base_url}/v1", api_key=key.token, max_retries=0
    ) as sdk:
        answer: Any = await sdk.chat.completions.create(**HELLO, stream=stream)
        if stream:
            chunks = [chunk async for chunk in answer]
            text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        else:
            text = answer.choices[0].message.content

    (entry,) = await ledger(gateway, 1)
    usage = wire.usage
    fresh = usage.prompt_tokens - usage.cached_tokens - usage.cache_creation_tokens
    cost = (
        fresh * INPUT_PRICE
        + usage.cached_tokens * CACHE_READ
        + usage.cache_creation_tokens * CACHE_WRITE
        + usage.completion_tokens * OUTPUT_PRICE
    )
    assert ("Hello €", int(cost * 1_000_000_000)) == (text, int(entry["spend"]))

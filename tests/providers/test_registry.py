"""One suite over every vendor that speaks as OpenAI does: it can be asked and understood."""

from __future__ import annotations

import orjson
import pytest

from shared.config.vendors import VENDORS
from shared.domain import Endpoint
from shared.errors import BadRequest
from shared.providers.registry import (
    UnknownProvider,
    counts_tokens,
    dialect_of,
    request_for,
)
from tests.providers.calls import HELLO, call, decoded, deployment, last_delta, sse

CHAT = "/chat/completions"
OPENAI = sorted(name for name, vendor in VENDORS.items() if vendor.dialect in {"openai", "mistral"})


@pytest.mark.parametrize("provider", OPENAI)
def test_every_vendor_has_a_dialect_that_builds_and_reads(provider: str) -> None:
    dialect = dialect_of(provider)

    request = dialect.request(call(is_stream=True), deployment(provider))
    events = decoded(dialect.decoder(call(is_stream=True)), sse(last_delta()))

    assert {**HELLO, "model": "gpt-4o", "stream": True}.items() <= orjson.loads(
        request.body
    ).items()
    assert [False, True] == [event.is_done for event in events]


@pytest.mark.parametrize("provider", OPENAI)
def test_no_vendor_is_sent_the_public_name_of_the_model(provider: str) -> None:
    for endpoint in (Endpoint.CHAT, Endpoint.COMPLETION, Endpoint.EMBEDDING, Endpoint.MESSAGES):
        dialect = dialect_of(provider, endpoint)
        asked = call({**HELLO, "prompt": "Hello"}, endpoint)
        request = dialect.request(asked, deployment(provider))

        assert b'"gpt-4o"' in request.body or b"\r\n\r\ngpt-4o\r\n" in request.body
        assert b'"fast"' not in request.body


def test_an_unknown_provider_is_told_with_those_that_are_known() -> None:
    with pytest.raises(UnknownProvider, match=r"no provider `opnai`.*openai"):
        dialect_of("opnai")


@pytest.mark.parametrize(
    ("provider", "endpoint", "path"),
    [
        ("cohere", Endpoint.EMBEDDING, "/compatibility/v1/embeddings"),
        ("cohere_chat", Endpoint.RERANK, "/v2/rerank"),
        ("gemini", Endpoint.EMBEDDING, "/openai/embeddings"),
        ("azure", Endpoint.EMBEDDING, "/openai/deployments/gpt-4o/embeddings"),
    ],
)
def test_what_is_beside_the_chat_has_its_own_address(
    provider: str, endpoint: Endpoint, path: str
) -> None:
    to = deployment(provider, api_base="https://a.example")

    url = dialect_of(provider, endpoint).request(call(endpoint=endpoint), to).url

    assert f"https://a.example{path}" == url.partition("?")[0]


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "vertex_ai"])
def test_what_a_provider_does_not_have_is_the_callers_mistake(provider: str) -> None:
    with pytest.raises(BadRequest, match="no models for this endpoint"):
        dialect_of(provider, Endpoint.EMBEDDING)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (
            "https://a.openai.azure.com",
            f"https://a.openai.azure.com/openai/deployments/gpt-4o{CHAT}?api-version=2024-10-21",
        ),
        (
            "https://a.openai.azure.com/openai/v1",
            f"https://a.openai.azure.com/openai/v1{CHAT}",
        ),
    ],
)
def test_azure_is_addressed_by_deployment_or_by_its_newer_path(base: str, url: str) -> None:
    request = dialect_of("azure").request(call(), deployment("azure", api_base=base))

    assert (url, "sk-secret", None) == (
        request.url,
        request.headers["api-key"],
        request.headers.get("authorization"),
    )


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (
            "https://a.services.ai.azure.com",
            "/models/chat/completions?api-version=2024-05-01-preview",
        ),
        (
            "https://a.services.ai.azure.com/models",
            "/chat/completions?api-version=2024-05-01-preview",
        ),
        ("https://a.services.ai.azure.com/openai/v1", "/chat/completions"),
    ],
)
def test_foundry_is_addressed_by_its_older_and_its_newer_path(base: str, url: str) -> None:
    request = dialect_of("azure_ai").request(call(), deployment("azure_ai", api_base=base))

    assert (base + url, "sk-secret") == (request.url, request.headers["api-key"])
    assert b'"model":"gpt-4o"' in request.body


def test_claudes_tokens_on_vertex_are_counted_there() -> None:
    to = deployment(
        "vertex_ai",
        model="claude-sonnet-4-5@20250929",
        api_base="https://v.example.com/v1/projects/p/locations/global/publishers/google",
    )
    asked = call({**HELLO, "max_tokens": 9}, Endpoint.COUNT_TOKENS)

    request = request_for(asked, to)

    path = "/publishers/anthropic/models/count-tokens:rawPredict"
    body = orjson.loads(request.body)
    assert request.url.endswith(path)
    assert ("claude-sonnet-4-5", "vertex-2023-10-16", False) == (
        body["model"],
        body["anthropic_version"],
        "max_tokens" in body,
    )
    assert counts_tokens("vertex_ai", Endpoint.COUNT_TOKENS, "claude-sonnet-4-5@20250929")

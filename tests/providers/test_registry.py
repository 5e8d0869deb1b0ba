"""One suite over every vendor that speaks as OpenAI does: it can be asked and understood."""

from __future__ import annotations

import orjson
import pytest

from shared.config.vendors import VENDORS
from shared.domain import Endpoint
from shared.providers.registry import UnknownProvider, dialect_of
from tests.providers.calls import HELLO, call, decoded, deployment, last_delta, sse

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
        request = dialect.request(call(endpoint=endpoint), deployment(provider))

        assert b'"gpt-4o"' in request.body or b"\r\n\r\ngpt-4o\r\n" in request.body
        assert b'"fast"' not in request.body


def test_an_unknown_provider_is_told_with_those_that_are_known() -> None:
    with pytest.raises(UnknownProvider, match=r"no provider `opnai`.*openai"):
        dialect_of("opnai")

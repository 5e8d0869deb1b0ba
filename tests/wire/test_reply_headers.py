from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Nanodollars
from shared.wire.reply_headers import ReplyFacts, reply_headers


def headers(**facts: Any) -> dict[str, str]:  # noqa: ANN401 - any fact
    defaults: dict[str, Any] = {"call_id": "1", "model_group": "gpt-4o"}
    return reply_headers(ReplyFacts(**(defaults | facts)))


def test_what_is_not_known_has_no_header() -> None:
    assert {
        "x-request-id": "1",
        "request-id": "1",
        "x-litellm-call-id": "1",
        "x-litellm-model-group": "gpt-4o",
        "x-litellm-response-cost-original": "0.0",
        "x-litellm-attempted-retries": "0",
        "x-litellm-attempted-fallbacks": "0",
    } == headers()


def test_every_fact_has_its_header() -> None:
    found = headers(
        model_id="abc",
        model_name="gpt-4o-2024",
        api_base="https://host/v1",
        cost=Nanodollars(1_500),
        key_spend=Nanodollars(2_000_000_000),
        key_max_budget=Nanodollars(10_500_000_000),
        key_rpm_limit=60,
        key_tpm_limit=1_000,
        attempted_retries=1,
        attempted_fallbacks=2,
        max_retries=3,
        duration_ms=12.3456,
        overhead_ms=0.5,
        timeout_seconds=30.0,
        cache_key="k",
        rate_limits={"x-ratelimit-api_key-remaining-requests": "59"},
        of_vendor={"llm_provider-x-request-id": "theirs"},
    )

    assert {
        "x-litellm-model-id": "abc",
        "x-litellm-model-name": "gpt-4o-2024",
        "x-litellm-model-api-base": "https://host/v1",
        "x-litellm-response-cost": "0.0000015",
        "x-litellm-response-cost-original": "0.0000015",
        "x-litellm-key-spend": "2.0",
        "x-litellm-key-max-budget": "10.5",
        "x-litellm-key-rpm-limit": "60",
        "x-litellm-key-tpm-limit": "1000",
        "x-litellm-attempted-retries": "1",
        "x-litellm-attempted-fallbacks": "2",
        "x-litellm-max-retries": "3",
        "x-litellm-response-duration-ms": "12.346",
        "x-litellm-overhead-duration-ms": "0.500",
        "x-litellm-timeout": "30.000",
        "x-litellm-cache-key": "k",
        "x-ratelimit-api_key-remaining-requests": "59",
        "llm_provider-x-request-id": "theirs",
    }.items() <= found.items()


def test_a_cost_of_zero_is_told_and_an_unknown_one_is_not() -> None:
    assert "0.0" == headers(cost=Nanodollars(0))["x-litellm-response-cost"]
    assert "x-litellm-response-cost" not in headers(cost=None)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/v1?api-key=secret", "https://host/v1"),
        ("https://user:secret@host:1/v1#secret", "https://host:1/v1"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1"),
        ("http://[::1", None),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str | None) -> None:
    assert shown == headers(api_base=url).get("x-litellm-model-api-base")


@given(st.integers(-(10**18), 10**18))
def test_dollars_are_exact(nanodollars: int) -> None:
    shown = headers(cost=Nanodollars(nanodollars))["x-litellm-response-cost"]

    assert Decimal(nanodollars) / 10**9 == Decimal(shown)
    assert "e" not in shown.lower()


@given(st.text(st.characters()), st.text(st.characters()), st.text(st.characters()))
def test_every_value_can_be_sent_whatever_the_facts_hold(
    model: str, call_id: str, url: str
) -> None:
    found = headers(model_group=model, call_id=call_id, api_base=url)

    for name, value in found.items():
        assert name.isascii()
        assert re.fullmatch(r"[\t\x20-\x7e\xa0-\xff]*", value)


def test_a_line_break_does_not_make_another_header() -> None:
    found = headers(model_group="a\r\nset-cookie: b")

    assert "a??set-cookie: b" == found["x-litellm-model-group"]

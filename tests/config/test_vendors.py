from __future__ import annotations

from pathlib import Path

import pytest

from shared.config.vendors import VENDORS, Vendor


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=lambda v: v.provider)
def test_a_base_url_is_https_without_a_slash_at_its_end(vendor: Vendor) -> None:
    url = vendor.base_url

    assert not url or (url.startswith("https://") and not url.endswith("/"))


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=lambda v: v.provider)
def test_a_public_vendor_has_a_key_variable(vendor: Vendor) -> None:
    assert not vendor.base_url or vendor.key_variables


def test_the_base_url_variable_follows_the_providers_name() -> None:
    assert "FIREWORKS_AI_API_BASE" == VENDORS["fireworks_ai"].base_url_variable


def test_every_vendor_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "providers.md").read_text("utf-8")

    for vendor in VENDORS.values():
        row = next((line for line in text.splitlines() if f"`{vendor.provider}/…`" in line), "")
        told = (vendor.base_url, vendor.base_url_variable, *vendor.key_variables)
        assert vendor.provider == "demo" or all(word in row for word in told), vendor.provider


def test_a_base_url_is_filled_in_from_the_environment() -> None:
    vendor = VENDORS["cloudflare"]

    assert "" == vendor.base_in({})
    assert vendor.base_in({"CLOUDFLARE_ACCOUNT_ID": "a/1"}).endswith("/accounts/a%2F1/ai/v1")

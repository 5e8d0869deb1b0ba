from __future__ import annotations

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

"""The configuration of a start without `--config`: the demo model, and each provider with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.config.vendors import VENDORS, Vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonObject = dict[str, object]

# Made up, so that keys of the demo model spend something.
DEMO: JsonObject = {
    "model_name": "demo",
    "litellm_params": {
        "model": "demo/demo",
        "input_cost_per_token": 0.000001,
        "output_cost_per_token": 0.000002,
    },
}


def builtin_config(environment: Mapping[str, str]) -> JsonObject:
    """Return compiled configuration: `demo`, and `openai/*` … for the keys that are set."""
    with_key = [vendor for vendor in VENDORS.values() if _has_key(vendor, environment)]
    return {"model_list": [DEMO, *map(_wildcard, with_key)]}


def _has_key(vendor: Vendor, environment: Mapping[str, str]) -> bool:
    is_placed = bool(vendor.base_in(environment) or environment.get(vendor.base_url_variable))
    return is_placed and any(environment.get(name) for name in vendor.key_variables)


def _wildcard(vendor: Vendor) -> JsonObject:
    every = f"{vendor.provider}/*"
    return {"model_name": every, "litellm_params": {"model": every}}

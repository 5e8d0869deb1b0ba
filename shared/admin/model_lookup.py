"""What is known of any model of any vendor, whether a deployment of it is here or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.admin.checkups import params_taken
from shared.config.loading import read_config
from shared.errors import NotFound
from shared.spend.prices import price_of
from shared.wire.admin_models import ModelLookup

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain import Deployment, JsonObject
    from shared.spend.prices import Price

_SOMEWHERE: Final[JsonObject] = {
    "api_base": "https://vendor.example",
    "api_key": "none",
    "aws_region_name": "us-east-1",
    "vertex_project": "none",
    "vertex_location": "us-central1",
}
"""What a deployment must have to be one; nobody is called."""


def look_up(model: str, provider: str | None) -> ModelLookup:
    """Return the limits and prices of a model; raise NotFound where nobody knows any."""
    deployment = _deployment(model, provider)
    price = None if deployment is None else price_of(deployment)
    if deployment is None or price is None:
        raise NotFound(
            f"model={model}, custom_llm_provider={provider} is not in the model cost map",
            param="model",
        )
    return ModelLookup(
        model=model,
        custom_llm_provider=deployment.provider,
        model_info={
            "key": deployment.model,
            "litellm_provider": deployment.provider,
            "supported_openai_params": [*params_taken(deployment)],
            **_facts(price),
        },
    )


def _deployment(model: str, provider: str | None) -> Deployment | None:
    named: JsonObject = {"model": model, "custom_llm_provider": provider or ""}
    entry: JsonObject = {"model_name": model, "litellm_params": {**_SOMEWHERE, **named}}
    config, findings = read_config({"model_list": [entry]}, {})
    return None if findings.problems else config.deployments[0]


def _facts(price: Price) -> dict[str, JsonValue]:
    rates = price.rates
    return {
        "max_tokens": price.max_output_tokens,
        "max_input_tokens": price.max_input_tokens,
        "max_output_tokens": price.max_output_tokens,
        "input_cost_per_token": float(rates.input),
        "output_cost_per_token": float(rates.output),
        "cache_read_input_token_cost": float(rates.cache_read),
        "cache_creation_input_token_cost": float(rates.cache_creation),
        "output_cost_per_reasoning_token": float(rates.reasoning),
        "input_cost_per_request": float(price.per_request),
    }

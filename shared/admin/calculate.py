"""What a call would cost, or did."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from shared.domain import NANODOLLARS_PER_DOLLAR, Call, Endpoint, Usage
from shared.errors import BadRequest, UnknownModel
from shared.providers.usage import usage_of
from shared.routing.groups import deployments_of
from shared.spend.adjustments import adjusted
from shared.spend.cost import cost
from shared.spend.prices import price_of
from shared.spend.tokens import estimate
from shared.wire.admin_reports import Cost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.admin.desk import Desk
    from shared.domain import Json
    from shared.wire.admin_reports import Calculate

ROUTE = "/spend/calculate"


def calculate(desk: Desk, request: Calculate) -> Cost:
    """Price the prompt of a call, or the usage of an answer, at the model's first deployment."""
    answer = request.completion_response
    named = answer.get("model") if answer else None
    model = request.model or (named if isinstance(named, str) else None)
    if model is None:
        raise BadRequest("Name the model.", param="model")
    deployments = deployments_of(desk.live.current, model)
    if not deployments:
        raise UnknownModel(model, ROUTE)
    price = price_of(deployments[0])
    if price is None:
        raise BadRequest(f"The price of {model} is not known.", param="model")
    price = adjusted(price, deployments[0], desk.live.current.litellm)
    usage = _usage_of(answer) if answer is not None else _prompt_of(model, request)
    return Cost(cost=Decimal(cost(price, usage)) / NANODOLLARS_PER_DOLLAR)


def _usage_of(answer: Mapping[str, Json]) -> Usage:
    usage = usage_of(answer)
    if usage is None:
        raise BadRequest("The answer has no usage.", param="completion_response.usage")
    return usage


def _prompt_of(model: str, request: Calculate) -> Usage:
    if not request.messages:
        raise BadRequest("Give messages or a completion_response.", param="messages")
    messages: Json = [*request.messages]
    call = Call(id="", endpoint=Endpoint.CHAT, model=model, body={"messages": messages})
    return Usage(prompt_tokens=estimate(call), is_estimated=True)

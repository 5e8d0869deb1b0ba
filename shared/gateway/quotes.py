"""What a call may cost at most at each deployment that could take it: what is reserved for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

import orjson

from shared.domain import Nanodollars
from shared.endpoints import COUNTING, Endpoint
from shared.errors import PriceUnknown
from shared.limits.places import Candidate
from shared.providers.parameters import with_defaults
from shared.routing.strategies import is_by_cost, strategy_word
from shared.spend.adjustments import adjusted
from shared.spend.cost import upper_bound
from shared.spend.prices import FREE, price_of
from shared.spend.searches import search_size
from shared.spend.tokens import completion_bound, completions, counted_bound, prompt_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config.model import Config
    from shared.domain import Call, Deployment
    from shared.spend.prices import Price
    from shared.spend.tokens import PromptSize


StandsIn = Literal["any", "context_window", "content_policy"]
"""After which errors a model stands in for another."""

_CONVERSATIONS: Final = frozenset({Endpoint.CHAT, Endpoint.MESSAGES})

ANY_ERROR: Final[frozenset[StandsIn]] = frozenset({"any"})


@dataclass(frozen=True, slots=True)
class Group:
    """The deployments of one model, ranked, and when it is asked."""

    name: str
    deployments: Sequence[Deployment]
    helps: frozenset[StandsIn] = ANY_ERROR


@dataclass(frozen=True, slots=True)
class Quote:
    """One deployment's turn: the model group it stands for, its price (None: unknown).

    Turns of one `level` stand for the same group and order; `strategy` chooses among them.
    """

    group: str
    deployment: Deployment
    price: Price | None
    reservation: Nanodollars
    level: int
    strategy: str
    helps: frozenset[StandsIn] = ANY_ERROR

    @property
    def is_free(self) -> bool:
        """Whether it is known to cost nothing."""
        return self.price is not None and self.reservation == 0

    @property
    def candidate(self) -> Candidate:
        """What admit must know of it."""
        return Candidate(self.deployment, self.reservation, self.level, self.strategy)


def quote(call: Call, config: Config, groups: Sequence[Group]) -> tuple[Quote, ...]:
    """Price every deployment of every group, in the order they would be asked.

    Within a group the dearest sets the reservation, so that a retry needs no more of it. Raise
    PriceUnknown where the configuration wants a price and the first group has none.
    """
    default = config.litellm.default_max_tokens
    quotes: list[Quote] = []
    levels: dict[tuple[str, int], int] = {}
    for each in groups:
        group, deployments = each.name, each.deployments
        size = prompt_size(asked_of(call, group))
        if is_by_cost(config.router, group):
            deployments = sorted(
                deployments, key=lambda deployment: _cheapest(call, deployment, config)
            )
        strategy = strategy_word(config.router, group, is_stream=call.is_stream)
        prices = [_price(call, deployment, config) for deployment in deployments]
        bounds = [
            _bound(_as_put(call, deployment), size, price, default)
            for deployment, price in zip(deployments, prices, strict=True)
        ]
        dearest = Nanodollars(max(bounds, default=0))
        quotes += [
            Quote(
                group,
                deployment,
                price,
                dearest,
                levels.setdefault((group, deployment.order), len(levels)),
                strategy,
                each.helps,
            )
            for deployment, price in zip(deployments, prices, strict=True)
        ]
    return _priced(call, quotes) if config.litellm.unknown_price == "refuse" else tuple(quotes)


def asked_of(call: Call, group: str) -> Call:
    """Return the call as a group is asked: a fallback may have messages of its own."""
    messages = call.own_fallbacks.messages.get(group)
    if messages is None or call.endpoint not in _CONVERSATIONS:
        return call
    return replace(call, body={**call.body, "messages": orjson.loads(messages)})


def reservation(call: Call, config: Config, quotes: Sequence[Quote]) -> Nanodollars:
    """Return what must be reserved for a call at the dearest of these deployments."""
    size, default = prompt_size(call), config.litellm.default_max_tokens
    return Nanodollars(
        max(_bound(_as_put(call, q.deployment), size, q.price, default) for q in quotes)
    )


def _priced(call: Call, quotes: list[Quote]) -> tuple[Quote, ...]:
    """Leave out whom nobody knows the price of."""
    priced = [quote for quote in quotes if quote.price is not None]
    if not priced or priced[0].group != quotes[0].group:
        raise PriceUnknown(call.model)
    return tuple(priced)


def _cheapest(call: Call, deployment: Deployment, config: Config) -> tuple[int, bool, Decimal]:
    """Rank by order, then by what a token in and one out cost; unknown prices come last."""
    price = _price(call, deployment, config)
    cost = Decimal(0) if price is None else _of_a_token_each_way(price)
    return deployment.order, price is None, cost


def _of_a_token_each_way(price: Price) -> Decimal:
    return (price.rates.input + price.rates.output) * price.factor + price.surcharge


def _price(call: Call, deployment: Deployment, config: Config) -> Price | None:
    if call.endpoint in COUNTING:
        return FREE  # at every provider that counts
    body = _as_put(call, deployment).body
    asked_tier = body.get("service_tier")
    tier = asked_tier if isinstance(asked_tier, str) else None
    price = price_of(deployment, tier, search_size(body, deployment.provider))
    return None if price is None else adjusted(price, deployment, config.litellm)


def _as_put(call: Call, deployment: Deployment) -> Call:
    """Return the call with what its deployment says where the caller is silent."""
    if not deployment.defaults:
        return call
    return replace(call, body=with_defaults(call, deployment))


def _bound(call: Call, size: PromptSize, price: Price | None, default: int) -> Nanodollars:
    if price is None:
        return Nanodollars(0)
    return upper_bound(
        price,
        size.bound(price.max_input_tokens),
        completion_bound(call, price.max_output_tokens, default),
        completions(call),
        counted_bound(call),
        kinds=size.kinds,
    )

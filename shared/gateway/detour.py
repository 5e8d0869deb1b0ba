"""Where a call goes when its key has spent the budget of its model: `budget_fallbacks` of the key.

As in LiteLLM the caller is answered by the first model of the chain that the key may call and has
budget for; where there is none, the first refusal is the one that is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.domain import Scope
from shared.errors import ModelAccessDenied, OverBudget, UnknownModel
from shared.limits.budgets import is_of_model
from shared.storage.admission import NoBudget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.domain import Call, Key
    from shared.errors import Refused
    from shared.limits.refusals import Refusal
    from shared.storage.plans import Plan

ROUNDS_EACH: Final = 2
"""A model that nobody has called yet needs its counter made, then it is decided."""


@dataclass(slots=True)
class Detour:
    """How far a call has come in its key's chain for the model it asked for."""

    asked_for: str
    refused: Refused | None = None
    taken: int = 0

    def rounds(self, most: int) -> Iterator[None]:
        """Go round as often as a call may, and anew with every other model."""
        done = 0
        while done < most + ROUNDS_EACH * self.taken:
            done += 1
            yield

    def after(
        self, key: Key, call: Call, plan: Plan, reply: Refusal, refused: Refused
    ) -> str | None:
        """Return the model to ask instead, None where it is another refusal or there is no more."""
        if not isinstance(reply, NoBudget) or call.provider is not None:
            return None
        line, chain = plan.budgets[reply.budget], _chain(key, self.asked_for)
        is_its = line.bearer.scope is Scope.KEY and is_of_model(line)
        if not is_its or self.taken == len(chain):
            return None
        self.refused = self.refused or refused
        self.taken += 1
        return chain[self.taken - 1]

    def told(self, refused: Refused) -> Refused:
        """Return what the caller is told: of a model on the way, that the first had no budget."""
        is_of_the_way = isinstance(refused, OverBudget | ModelAccessDenied | UnknownModel)
        return self.refused if self.refused is not None and is_of_the_way else refused


def _chain(key: Key, model: str) -> list[str]:
    chains = key.metadata.get("budget_fallbacks")
    chain = chains.get(model) if isinstance(chains, dict) else None
    return [name for name in chain if isinstance(name, str)] if isinstance(chain, list) else []

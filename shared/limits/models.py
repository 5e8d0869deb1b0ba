"""Budgets and rates that an entity has for single models. Pure.

`model_max_budget` is LiteLLM's `{name: {"budget_limit" | "max_budget": 5, "time_period" |
"budget_duration": "1d", "rpm_limit": 9, "tpm_limit": 9}}`, or flat `{name: 5}` for a budget for
ever. `model_rpm_limit` and `model_tpm_limit` in the metadata are `{name: 9}`. A name is a model
group, or a pattern like `openai/*`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from math import floor, isfinite
from typing import TYPE_CHECKING, TypeGuard

from shared.domain import Nanodollars, RateLimits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.domain import Json


@dataclass(frozen=True, slots=True)
class ModelNames:
    """What the model of a call goes by, as the caller asked for it first, and its access groups."""

    names: tuple[str, ...]
    access_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ModelBudget:
    """What one model, or all that a pattern matches, may cost; no duration is for ever."""

    name: str
    limit: Nanodollars
    duration: str | None


def model_budget(budgets: Mapping[str, Json], models: ModelNames) -> ModelBudget | None:
    """Return the budget that a call falls under: the most specific, if any."""
    if not budgets:
        return None
    entries = {name: amount for name in budgets if (amount := _amount(budgets[name])) is not None}
    name = best_name(entries, models)
    return None if name is None else ModelBudget(name, entries[name], _duration(budgets[name]))


def model_rates(
    budgets: Mapping[str, Json], metadata: Mapping[str, Json], models: ModelNames
) -> tuple[str, RateLimits] | None:
    """Return the name under which an entity's calls of the model are counted, and its rates."""
    of_requests = _limits(metadata.get("model_rpm_limit")) | _fields(budgets, "rpm_limit")
    of_tokens = _limits(metadata.get("model_tpm_limit")) | _fields(budgets, "tpm_limit")
    name = best_name({**of_requests, **of_tokens}, models)
    if name is None:
        return None
    return name, RateLimits(rpm=of_requests.get(name), tpm=of_tokens.get(name))


def best_name(names: Iterable[str], models: ModelNames) -> str | None:
    """Pick the name that speaks of a model, in LiteLLM's order.

    Itself, itself without its provider, an access group that it belongs to, the closest pattern.
    """
    known = set(names)
    if not known:
        return None
    groups = sorted(models.access_groups & known)
    for exact in (*exact_names(models.names), *groups):
        if exact in known:
            return exact
    patterns = [n for n in known if "*" in n and any(_matches(n, name) for name in models.names)]
    return max(patterns, key=_specificity, default=None)


def exact_names(models: Sequence[str]) -> tuple[str, ...]:
    """List the names that speak of a model alone: its own, and those without the provider."""
    bare = (model.partition("/")[2] for model in models)
    return tuple(dict.fromkeys(name for name in (*models, *bare) if name))


def money(value: Json) -> Nanodollars | None:
    """Read dollars as JSON has them, rounded down; None for what is no amount."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return Nanodollars(min(floor(Decimal(str(value)).scaleb(9)), 2**63 - 1)) if value >= 0 else None


def _specificity(pattern: str) -> tuple[int, int, str]:
    """Rank patterns as LiteLLM does: more letters first, then fewer stars."""
    stars = pattern.count("*")
    return len(pattern) - stars, -stars, pattern


def _matches(pattern: str, model: str) -> bool:
    return fnmatchcase(model, pattern.replace("[", "[[]").replace("?", "[?]"))


def _amount(value: Json) -> Nanodollars | None:
    if not isinstance(value, dict):
        return money(value)
    limit = value.get("budget_limit")
    return money(limit if limit is not None else value.get("max_budget"))


def _duration(value: Json) -> str | None:
    if not isinstance(value, dict):
        return None
    duration = value.get("time_period") or value.get("budget_duration")
    return duration if isinstance(duration, str) else None


def _limits(value: Json) -> dict[str, int]:
    if not isinstance(value, dict):
        return {}
    return {name: limit for name, limit in value.items() if is_limit(limit)}


def _fields(budgets: Mapping[str, Json], field: str) -> dict[str, int]:
    found = {name: each.get(field) for name, each in budgets.items() if isinstance(each, dict)}
    return {name: limit for name, limit in found.items() if is_limit(limit)}


def is_limit(value: Json) -> TypeGuard[int]:
    """Tell whether a value is a number of requests or tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

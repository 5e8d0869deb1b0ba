"""Show deployments and model groups, without any secret, to whoever may call them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from shared.auth.visibility import may_see, with_own_models
from shared.config.overlay import shown
from shared.domain import Role
from shared.errors import NotFound
from shared.spend.prices import price_of
from shared.storage import admin_config
from shared.wire.admin_models import (
    ModelEntries,
    ModelEntry,
    ModelGroup,
    ModelGroups,
    ModelPage,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from shared.admin.desk import Desk
    from shared.config.model import Config
    from shared.domain import Deployment, Principal
    from shared.wire.admin_models import ListModels, ModelRow

_ADMINS: Final = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_NEVER_SHOWN: Final = frozenset({"api_key", "extra_headers"})


async def model_info(desk: Desk, principal: Principal, model_id: str | None) -> ModelEntries:
    """Return the deployments of the models that the caller may call; only one by its id."""
    entries = await _entries(desk, principal)
    if model_id is None:
        return ModelEntries(data=entries)
    found = [entry for entry in entries if entry.model_info["id"] == model_id]
    if not found:
        raise NotFound(
            f"Model id = {model_id} not found on litellm proxy", param="litellm_model_id"
        )
    return ModelEntries(data=found)


async def model_page(desk: Desk, principal: Principal, query: ListModels) -> ModelPage:
    """Return one page of them."""
    entries = [entry for entry in await _entries(desk, principal) if _fits(entry, query)]
    first = (query.page - 1) * query.size
    return ModelPage(
        data=entries[first : first + query.size],
        total_count=len(entries),
        current_page=query.page,
        size=query.size,
        total_pages=-(-len(entries) // query.size),
    )


def model_groups(config: Config, principal: Principal, name: str | None) -> ModelGroups:
    """Return what the deployments of each name have together."""
    config, principal = view_of(config, principal)
    return ModelGroups(
        data=[
            _group(group, deployments)
            for group, deployments in config.groups.items()
            if name in (None, group) and may_see(principal, group, deployments)
        ]
    )


def view_of(config: Config, principal: Principal) -> tuple[Config, Principal]:
    """Return what there is for a principal's team; for an admin all that any team has."""
    if principal.is_master or (principal.user and principal.user.role in _ADMINS):
        return config, principal
    seen = config.seen_by(principal.key.team_id)
    return seen, with_own_models(principal, seen.own_groups)


async def _entries(desk: Desk, principal: Principal) -> list[ModelEntry]:
    config, principal = view_of(desk.live.current, principal)
    rows = {row.model_id: row for row in await admin_config.list_models(desk.stores.postgres)}
    listed = [
        _entry(deployment, rows.get(deployment.id))
        for deployment in config.deployments
        if may_see(principal, deployment.model_group, config.groups[deployment.model_group])
    ]
    if not principal.is_master:
        return listed
    out = [row for model_id, row in rows.items() if model_id not in config.by_id]
    return [*listed, *map(_blocked_entry, out)]


def _entry(deployment: Deployment, row: ModelRow | None) -> ModelEntry:
    params: dict[str, JsonValue] = {
        "model": f"{deployment.provider}/{deployment.model}",
        "custom_llm_provider": deployment.provider,
        "api_base": deployment.api_base or None,
        "rpm": deployment.rpm,
        "tpm": deployment.tpm,
        "weight": deployment.weight,
    }
    if row is not None:
        params |= {k: v for k, v in shown(row.litellm_params).items() if k not in _NEVER_SHOWN}
    return ModelEntry(
        model_name=deployment.model_group,
        litellm_params={name: value for name, value in params.items() if value is not None},
        model_info={
            **(row.model_info if row else {}),
            **_facts(deployment),
            "id": deployment.id,
            "db_model": row is not None,
            "blocked": False,
        },
    )


def _blocked_entry(row: ModelRow) -> ModelEntry:
    """Show what is blocked, or was left out with an overlay that is not valid."""
    params = {k: v for k, v in shown(row.litellm_params).items() if k not in _NEVER_SHOWN}
    info = {**row.model_info, "id": row.model_id, "db_model": True, "blocked": row.blocked}
    return ModelEntry(model_name=row.model_name, litellm_params=params, model_info=info)


def _facts(deployment: Deployment) -> dict[str, JsonValue]:
    price = price_of(deployment)
    return {
        "mode": deployment.mode,
        "base_model": deployment.base_model,
        "max_input_tokens": price.max_input_tokens if price else None,
        "max_output_tokens": price.max_output_tokens if price else deployment.max_output_tokens,
        "input_cost_per_token": float(price.rates.input) if price else None,
        "output_cost_per_token": float(price.rates.output) if price else None,
        "litellm_provider": deployment.provider,
    }


def _group(name: str, deployments: Sequence[Deployment]) -> ModelGroup:
    facts: defaultdict[str, list[float]] = defaultdict(list)
    for deployment in deployments:
        for fact, value in _facts(deployment).items():
            if isinstance(value, int | float):
                facts[fact].append(value)
    rpm = [d.rpm for d in deployments if d.rpm is not None]
    tpm = [d.tpm for d in deployments if d.tpm is not None]
    return ModelGroup(
        model_group=name,
        providers=sorted({deployment.provider for deployment in deployments}),
        max_input_tokens=_most(facts["max_input_tokens"]),
        max_output_tokens=_most(facts["max_output_tokens"]),
        input_cost_per_token=max(facts["input_cost_per_token"], default=None),
        output_cost_per_token=max(facts["output_cost_per_token"], default=None),
        mode=next((d.mode for d in deployments if d.mode), None),
        rpm=sum(rpm) if rpm else None,
        tpm=sum(tpm) if tpm else None,
    )


def _most(values: Sequence[float]) -> int | None:
    return int(max(values)) if values else None


def _fits(entry: ModelEntry, query: ListModels) -> bool:
    return (
        query.model in (None, entry.model_name)
        and query.model_id in (None, entry.model_info["id"])
        and (query.search is None or query.search.lower() in entry.model_name.lower())
    )

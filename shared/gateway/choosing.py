"""Where a call may go: its model's deployments and those that stand in, priced, best first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.auth.authorize import check_passing, check_required, resolve_alias
from shared.cache.lookup import check_controls
from shared.errors import NotFound, UnknownModel
from shared.gateway.following import within_account
from shared.gateway.permitting import permit
from shared.gateway.prechecks import in_region, region_of, within_context
from shared.gateway.quotes import Group, quote
from shared.gateway.standins import stand_ins
from shared.routing.candidates import candidates, ranked
from shared.routing.eligible import eligible

if TYPE_CHECKING:
    from shared.domain import Call, Principal
    from shared.gateway.gateway import Gateway
    from shared.gateway.quotes import Quote


def choose(gateway: Gateway, principal: Principal, call: Call, route: str) -> tuple[Quote, ...]:
    """Authorize the call and price the deployments that could take it, best first.

    A model that nobody serves is stood in for by its fallbacks, where it has any.
    """
    config = gateway.config
    if call.provider is not None:
        return _choose_vendor(gateway, principal, call, call.provider, route)
    model = resolve_alias(principal, call.model)
    found = candidates(config, model, gateway.random)
    permit(gateway, principal, _asked_for(call), route, found)
    _check_body(gateway, principal, call)
    own = eligible(found, call, principal.key.team_id, config.router)
    groups = [
        Group(model, within_account(gateway, call, own)),
        *stand_ins(gateway, principal, call, model),
    ]
    if not own:
        groups = [group for group in groups[1:] if group.deployments]
        if not any("any" in group.helps for group in groups):
            raise UnknownModel(call.model, route)
    if config.router.enable_pre_call_checks:
        groups = within_context(call, in_region(call, groups, region_of(principal)))
    return quote(call, config, groups)


def _asked_for(call: Call) -> list[str]:
    """List the model that is asked for, and the fallbacks that came along."""
    own = call.own_fallbacks
    special = (*(own.context_window or ()), *(own.content_policy or ()))
    return [call.model, *(call.fallbacks or ()), *special]


def _choose_vendor(
    gateway: Gateway, principal: Principal, call: Call, provider: str, route: str
) -> tuple[Quote, ...]:
    """Authorize a call of a vendor's own API; any deployment opens it, the first that is drawn."""
    check_passing(principal, route)
    deployments = [d for d in gateway.config.deployments if d.provider == provider]
    permit(gateway, principal, [call.model], route, deployments)
    _check_body(gateway, principal, call)
    if not deployments:
        raise NotFound("Not found: there is no such route.")
    drawn = ranked(deployments, gateway.random)[0]
    is_own = drawn.model == call.model
    priced = drawn if is_own else replace(drawn, model=call.model, custom_price={}, base_model=None)
    return quote(call, gateway.config, [Group(call.model, [priced])])


def _check_body(gateway: Gateway, principal: Principal, call: Call) -> None:
    """Refuse a body that lacks what must be told, or says of the cache what the key may not."""
    general, metadata = gateway.config.general, principal.key.metadata
    of_accounts = general.service_account_params if "service_account_id" in metadata else ()
    of_key = metadata.get("enforced_params")
    named = [name for name in of_key if isinstance(name, str)] if isinstance(of_key, list) else []
    check_required([*general.enforced_params, *of_accounts, *named], call.sent)
    check_controls(call, principal.key.allowed_cache_controls)

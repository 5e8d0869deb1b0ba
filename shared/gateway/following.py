"""What a call refers to, resolved for its principal before anything is decided about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.domain import Endpoint
from shared.errors import BadRequest
from shared.gateway.response_ids import previous
from shared.routing.groups import public_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Call, Deployment, Principal
    from shared.gateway.gateway import Gateway

PREVIOUS = "previous_response_id"
_OF_RESPONSES = frozenset({Endpoint.RESPONSES, Endpoint.RESPONSE_TOKENS, Endpoint.COMPACT})


def follow(gateway: Gateway, principal: Principal, call: Call) -> Call:
    """Return the call with its model under its public name and its past where it is stored.

    Raise BadRequest when the past is not this tenant's.
    """
    call = _without_key(call, gateway.config.general.key_header_name)
    aliases = {*principal.key.aliases, *(principal.team.model_aliases if principal.team else ())}
    if call.model not in aliases:
        call = replace(call, model=public_name(gateway.config, call.model))
    sealed = call.body.get(PREVIOUS) if call.endpoint in _OF_RESPONSES else None
    if not isinstance(sealed, str):
        return call
    stored = previous(sealed, principal, gateway.settings.master_key)
    return replace(
        call,
        body={**call.body, PREVIOUS: stored.response_id},
        account_of=stored.deployment_id,
        disable_fallbacks=True,
    )


def _without_key(call: Call, header: str | None) -> Call:
    """Keep the virtual key from the vendor where a header of the operator's choice carries it."""
    if header is None or call.passing is None:
        return call
    others = {name: text for name, text in call.passing.headers.items() if name != header}
    return replace(call, passing=replace(call.passing, headers=others))


def within_account(
    gateway: Gateway, call: Call, deployments: Sequence[Deployment]
) -> list[Deployment]:
    """Keep the deployments that can see the call's past: those of the same vendor account."""
    if call.account_of is None:
        return list(deployments)
    home = gateway.config.by_id.get(call.account_of)
    kept = [
        deployment
        for deployment in deployments
        if home is not None and _account(deployment) == _account(home)
    ]
    if deployments and not kept:
        raise BadRequest(
            f"The previous response is stored where model={call.model} cannot see it.",
            param=PREVIOUS,
        )
    return kept


def _account(deployment: Deployment) -> tuple[str, str, str]:
    return deployment.provider, deployment.api_base, deployment.api_key

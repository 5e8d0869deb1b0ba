"""May the caller call this model here: the decision of `auth`, in the status the operator set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.auth.authorize import authorize
from shared.errors import ModelAccessDenied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Deployment, Principal
    from shared.gateway.gateway import Gateway


def permit(
    gateway: Gateway,
    principal: Principal,
    models: Sequence[str],
    route: str,
    found: Sequence[Deployment],
) -> None:
    """Refuse what the principal may not call; `found` are the deployments behind the first model.

    A model that is not allowed is answered by `litellm_settings.model_access_denied_status_code`.
    """
    try:
        authorize(
            principal,
            models,
            gateway.clock.now(),
            route=route,
            providers={deployment.provider for deployment in found},
            access_groups={name for deployment in found for name in deployment.access_groups},
        )
    except ModelAccessDenied as error:
        error.status = gateway.config.litellm.model_access_denied_status_code
        raise

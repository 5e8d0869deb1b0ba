"""Whether a failure rests its deployment, and for how long. The counting is done in Redis."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.routing.error_kinds import kind_of
from shared.storage.plans import COUNT_ALONE, Cooling

if TYPE_CHECKING:
    from shared.config.model import RouterSettings
    from shared.domain import Deployment
    from shared.errors import ProviderFailed

NEVER: Final = Cooling()

_TOO_MANY_REQUESTS: Final = 429
_TIMEOUT: Final = 408
_SERVER_ERROR: Final = 500
_COUNTED: Final = frozenset({401, 402, 404, _TIMEOUT, _TOO_MANY_REQUESTS})
_AT_ONCE: Final = frozenset({401, 402, 404, _TOO_MANY_REQUESTS})
"""A retry there would fail the same way."""

_LONGEST_ASKED: Final = 60.0
_MOST_FAIL: Final = Cooling(least_requests=5, percent=50)
_ALL_FAIL: Final = Cooling(least_requests=1_000, percent=99)


def cooldown_for(
    error: ProviderFailed,
    deployment: Deployment,
    router: RouterSettings,
    *,
    group_size: int,
    is_callers_timeout: bool = False,
) -> Cooling:
    """Tell how a failure counts against its deployment, by LiteLLM's rules.

    A deployment that is alone in its group rests only when a thousand requests in a minute all
    failed: resting it would replace the provider's own answer by an empty "try again". A timeout
    that the caller set says nothing about the deployment.
    """
    counts = error.status in _COUNTED or error.status >= _SERVER_ERROR
    if not counts or router.disable_cooldowns or (is_callers_timeout and error.status == _TIMEOUT):
        return NEVER
    seconds = _seconds(error, deployment, router)
    allowed = router.allowed_fails_policy.get(kind_of(error), router.allowed_fails)
    if allowed is not None:
        return Cooling(seconds, least_requests=allowed + 1, percent=COUNT_ALONE)
    if group_size == 1:
        return replace(_ALL_FAIL, seconds=seconds)
    return replace(_MOST_FAIL, seconds=seconds, at_once=error.status in _AT_ONCE)


def _seconds(error: ProviderFailed, deployment: Deployment, router: RouterSettings) -> float:
    if deployment.cooldown_seconds is not None:
        return deployment.cooldown_seconds
    if error.retry_after is not None and error.retry_after > 0:
        return min(float(error.retry_after), _LONGEST_ASKED)
    return router.cooldown_seconds

"""May another deployment be asked, and how long must the same one rest before it is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.errors import ProviderFailed
from shared.routing.error_kinds import kind_of

if TYPE_CHECKING:
    from random import Random

    from shared.config.model import RouterSettings
    from shared.domain import Call
    from shared.errors import GatewayError

MOST_RETRIES: Final = 10
"""What a caller may ask for at most: each retry is another call upstream."""

_RETRIED: Final = frozenset({408, 409, 429})
_RETRIED_ELSEWHERE: Final = frozenset({401, 402, 403})
_SERVER_ERROR: Final = 500
_LONGEST_ASKED: Final = 60.0
_LONGEST: Final = 8.0
_FIRST: Final = 0.5
_JITTER: Final = 0.75


def retry_limit(call: Call, router: RouterSettings, group: str, error: ProviderFailed) -> int:
    """Tell how many retries a call has after such an error.

    The call's own number goes first, then the policy of its group, the router's, `num_retries`.
    """
    if call.num_retries is not None:
        return min(call.num_retries, MOST_RETRIES)
    by_policy = _by_policy(router, group, error)
    return router.num_retries if by_policy is None else min(by_policy, MOST_RETRIES)


def may_retry(
    error: ProviderFailed, *, has_others: bool, router: RouterSettings, group: str
) -> bool:
    """Tell whether the same model may be asked again after this failure.

    Refused credentials (401 to 403) are worth another deployment, never the same one; what is
    wrong with the request itself is wrong everywhere, unless a retry policy says otherwise.
    """
    if _by_policy(router, group, error):
        return True
    if error.status in _RETRIED_ELSEWHERE:
        return has_others
    return error.status in _RETRIED or error.status >= _SERVER_ERROR


def _by_policy(router: RouterSettings, group: str, error: ProviderFailed) -> int | None:
    kind = kind_of(error)
    of_group = router.group_retry_policies.get(group, {})
    return of_group.get(kind, router.retry_policy.get(kind))


def may_fall_back(error: GatewayError) -> bool:
    """Tell whether another model may be asked: after any failure of a provider, as in LiteLLM."""
    return isinstance(error, ProviderFailed)


def backoff_seconds(retry: int, error: ProviderFailed, random: Random) -> float:
    """Tell how long to wait before asking the same deployment again; `retry` counts from 1.

    The provider's own word counts up to a minute; else twice as long each time, up to 8 seconds.
    """
    if error.retry_after is not None and 0 < error.retry_after <= _LONGEST_ASKED:
        return float(error.retry_after)
    doublings = min(max(retry - 1, 0), 10)
    return min(_FIRST * 2**doublings, _LONGEST) + random.uniform(0, _JITTER)

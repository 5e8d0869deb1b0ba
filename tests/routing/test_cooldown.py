from __future__ import annotations

import pytest

from shared.routing.cooldown import NEVER, cooldown_for
from shared.storage.plans import COUNT_ALONE, Cooling
from tests.routing.builders import config, deployment, failure


def decide(
    status: int,
    *,
    group_size: int = 2,
    retry_after: int | None = None,
    own_seconds: float | None = None,
    is_callers_timeout: bool = False,
    **router: object,
) -> Cooling:
    return cooldown_for(
        failure(status, retry_after=retry_after),
        deployment(cooldown_seconds=own_seconds),
        config(**router).router,
        group_size=group_size,
        is_callers_timeout=is_callers_timeout,
    )


@pytest.mark.parametrize("status", [401, 402, 404, 429])
def test_what_a_retry_cannot_mend_rests_a_deployment_at_once(status: int) -> None:
    assert Cooling(5.0, at_once=True) == decide(status)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 529])
def test_a_breakdown_rests_it_when_more_than_half_of_five_requests_failed(status: int) -> None:
    assert Cooling(5.0, at_once=False, least_requests=5, percent=50) == decide(status)


@pytest.mark.parametrize("status", [400, 403, 409, 413, 422])
def test_a_fault_of_the_request_never_rests_a_deployment(status: int) -> None:
    assert NEVER == decide(status)


@pytest.mark.parametrize("status", [401, 404, 408, 429, 500])
def test_a_deployment_without_a_peer_rests_only_when_a_thousand_failed(status: int) -> None:
    assert Cooling(5.0, at_once=False, least_requests=1_000, percent=99) == decide(
        status, group_size=1
    )


def test_a_timeout_of_the_callers_own_says_nothing() -> None:
    assert NEVER == decide(408, is_callers_timeout=True)


@pytest.mark.parametrize(("group_size", "status"), [(1, 500), (2, 429)])
def test_allowed_fails_counts_failures_alone(group_size: int, status: int) -> None:
    assert Cooling(5.0, least_requests=4, percent=COUNT_ALONE) == decide(
        status, group_size=group_size, allowed_fails=3
    )


@pytest.mark.parametrize(
    ("own_seconds", "retry_after", "seconds"),
    [(None, None, 7.0), (None, 20, 20.0), (None, 3_600, 60.0), (30.0, 20, 30.0), (0.0, 20, 0.0)],
)
def test_the_deployments_own_time_goes_before_the_providers_and_that_before_the_routers(
    own_seconds: float | None, retry_after: int | None, seconds: float
) -> None:
    found = decide(429, own_seconds=own_seconds, retry_after=retry_after, cooldown_seconds=7.0)

    assert seconds == found.seconds


def test_cooldowns_can_be_switched_off() -> None:
    assert NEVER == decide(500, disable_cooldowns=True)


def test_allowed_fails_may_differ_by_kind_of_error() -> None:
    policy = {"RateLimitError": 2}

    limited = decide(429, allowed_fails=5, allowed_fails_policy=policy)
    broken = decide(500, allowed_fails=5, allowed_fails_policy=policy)

    assert (3, 6) == (limited.least_requests, broken.least_requests)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequest
from shared.routing.retries import backoff_seconds, may_fall_back, may_retry, retry_limit
from tests.routing.builders import call, config, failure, seeded

if TYPE_CHECKING:
    from random import Random

PLAIN = config().router


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
@pytest.mark.parametrize("has_others", [True, False])
def test_a_passing_failure_is_retried(status: int, has_others: bool) -> None:  # noqa: FBT001
    assert may_retry(failure(status), has_others=has_others, router=PLAIN, group="chat")


@pytest.mark.parametrize("status", [401, 402, 403])
@pytest.mark.parametrize("has_others", [True, False])
def test_refused_credentials_are_retried_elsewhere_only(
    status: int,
    has_others: bool,  # noqa: FBT001
) -> None:
    assert has_others == may_retry(
        failure(status), has_others=has_others, router=PLAIN, group="chat"
    )


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_fault_of_the_request_is_not_retried(status: int) -> None:
    assert not may_retry(failure(status), has_others=True, router=PLAIN, group="chat")


def test_another_model_may_stand_in_after_any_failure_of_a_provider() -> None:
    assert may_fall_back(failure(400))


def test_a_refusal_of_the_gateways_own_is_final() -> None:
    assert not may_fall_back(BadRequest("No."))


@pytest.mark.parametrize(("own", "limit"), [(None, 4), (0, 0), (1, 1), (1_000, 10)])
def test_a_call_may_set_its_own_number_of_retries_up_to_ten(own: int | None, limit: int) -> None:
    assert limit == retry_limit(
        call(num_retries=own), config(num_retries=4).router, "chat", failure(500)
    )


@pytest.mark.parametrize(("retry", "least"), [(1, 0.5), (2, 1), (3, 2), (5, 8), (500, 8)])
def test_each_wait_is_twice_as_long_up_to_eight_seconds(retry: int, least: float) -> None:
    assert least <= backoff_seconds(retry, failure(500), seeded()) <= least + 0.75


@pytest.mark.parametrize(("asked", "least"), [(7, 7), (60, 60), (61, 0.5), (0, 0.5), (-1, 0.5)])
def test_the_providers_own_word_counts_up_to_a_minute(asked: int, least: float) -> None:
    waited = backoff_seconds(1, failure(429, retry_after=asked), seeded())

    assert least <= waited <= least + 0.75


@given(st.integers(-5, 10**6), st.none() | st.integers(-(10**9), 10**9), st.randoms())
def test_no_wait_is_longer_than_a_minute(retry: int, asked: int | None, random: Random) -> None:
    assert 0 < backoff_seconds(retry, failure(503, retry_after=asked), random) <= 60


def test_a_groups_policy_goes_before_the_routers_and_both_before_the_number() -> None:
    router = config(
        num_retries=1,
        retry_policy={"TimeoutError": 5, "RateLimitError": 3, "BadRequestError": 2},
        group_retry_policies={"chat": {"TimeoutError": 0}},
    ).router

    def limit(status: int, group: str = "chat") -> int:
        return retry_limit(call(), router, group, failure(status))

    assert [0, 5, 3, 1] == [limit(408), limit(408, "other"), limit(429), limit(500)]
    assert may_retry(failure(400), has_others=False, router=router, group="chat")
    assert 4 == retry_limit(call(num_retries=4), router, "chat", failure(408))

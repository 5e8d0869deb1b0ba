"""When a second deployment is asked: once most answers would have come, and where harmless."""

from __future__ import annotations

import pytest

from shared.config.model import RouterSettings
from shared.controls import Mock
from shared.domain import Call, Endpoint
from shared.routing.hedging import LEAST_SAMPLES, is_hedged, patience


def call(endpoint: Endpoint = Endpoint.CHAT, mock: Mock | None = None) -> Call:
    return Call(id="1", endpoint=endpoint, model="gpt", body={}, mock=mock)


@pytest.mark.parametrize(
    ("percentile", "seconds"), [(95, 0.095), (99, 0.099), (50, 0.05), (100, 0.1)]
)
def test_an_answer_is_late_when_so_many_of_a_hundred_would_have_come(
    percentile: int, seconds: float
) -> None:
    samples = [*range(100, 0, -1)]

    assert seconds == patience(samples, percentile)


def test_few_samples_say_nothing() -> None:
    assert patience([5] * (LEAST_SAMPLES - 1), 95) is None
    assert 0.005 == patience([5] * LEAST_SAMPLES, 95)


def test_hedging_is_asked_for_by_all_or_by_a_group() -> None:
    some = RouterSettings(hedged_groups=("gpt",))

    assert not is_hedged(RouterSettings(), "gpt", call())
    assert is_hedged(RouterSettings(hedged_requests=True), "gpt", call())
    assert (True, False) == (is_hedged(some, "gpt", call()), is_hedged(some, "other", call()))


@pytest.mark.parametrize(
    "endpoint", [Endpoint.IMAGE, Endpoint.RESPONSES, Endpoint.SPEECH, Endpoint.PASS_THROUGH]
)
def test_what_leaves_something_behind_or_is_dear_is_asked_once(endpoint: Endpoint) -> None:
    assert not is_hedged(RouterSettings(hedged_requests=True), "gpt", call(endpoint))


def test_what_is_played_is_asked_once() -> None:
    assert not is_hedged(RouterSettings(hedged_requests=True), "gpt", call(mock=Mock(text="Hi")))

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.candidates import candidates, ranked
from tests.routing.builders import config, deployment, seeded

if TYPE_CHECKING:
    from random import Random

    from shared.domain import Deployment

DRAWS = 20_000
weights = st.none() | st.integers(0, 100)
deployments = st.lists(
    st.builds(deployment, weight=weights, rpm=weights, tpm=weights, order=st.integers(0, 3)),
    max_size=6,
)


def of(metric: str, values: list[int | None]) -> list[Deployment]:
    return [deployment(id=str(i), **{metric: value}) for i, value in enumerate(values)]


def shares(group: list[Deployment]) -> dict[str, float]:
    random = seeded()
    first = Counter(ranked(group, random)[0].id for _ in range(DRAWS))
    return {name: count / DRAWS for name, count in first.items()}


@given(deployments, st.randoms(use_true_random=False))
def test_every_deployment_is_ranked_once_and_orders_are_kept(
    group: list[Deployment], random: Random
) -> None:
    found = ranked(group, random)

    assert Counter(map(id, group)) == Counter(map(id, found))
    assert sorted(d.order for d in group) == [d.order for d in found]


@pytest.mark.parametrize("metric", ["weight", "rpm", "tpm"])
def test_the_first_choice_falls_in_proportion_to_the_weight(metric: str) -> None:
    found = shares(of(metric, [1, 3, 6]))

    assert {"0": 0.1, "1": 0.3, "2": 0.6} == pytest.approx(found, abs=0.02)


def test_without_any_weight_all_are_alike() -> None:
    found = shares(of("weight", [None, None, None, None]))

    assert dict.fromkeys("0123", 0.25) == pytest.approx(found, abs=0.02)


def test_weight_goes_before_rpm_and_rpm_before_tpm() -> None:
    group = [
        deployment(id="a", weight=1, rpm=1, tpm=1_000),
        deployment(id="b", weight=1, rpm=9, tpm=1),
    ]
    no_weight = [
        deployment(id="a", weight=0, rpm=1, tpm=1_000),
        deployment(id="b", rpm=9, tpm=1),
    ]

    assert {"a": 0.5, "b": 0.5} == pytest.approx(shares(group), abs=0.02)
    assert {"a": 0.1, "b": 0.9} == pytest.approx(shares(no_weight), abs=0.02)


def test_one_without_the_weight_that_others_have_comes_last() -> None:
    random = seeded()
    group = of("weight", [None, 1, 0, 5])

    lasts = {frozenset(d.id for d in ranked(group, random)[2:]) for _ in range(200)}

    assert {frozenset({"0", "2"})} == lasts


def test_the_whole_ranking_is_as_if_drawn_one_after_another() -> None:
    weights = {"0": 1, "1": 3, "2": 6}
    group = of("weight", list(weights.values()))
    random = seeded()

    seen = Counter("".join(d.id for d in ranked(group, random)) for _ in range(DRAWS))

    for ranking in map("".join, permutations(weights)):
        left, chance = 10, 1.0
        for name in ranking:
            chance *= weights[name] / left
            left -= weights[name]
        assert chance == pytest.approx(seen[ranking] / DRAWS, abs=0.02)


def test_a_lower_order_is_asked_first_and_the_next_one_stands_by() -> None:
    group = [deployment(id="b", order=2, weight=100), deployment(id="a", order=1)]

    assert ["a", "b"] == [d.id for d in ranked(group, seeded())]


def test_the_same_random_gives_the_same_ranking() -> None:
    group = of("weight", [1, 2, 3, 4])

    assert ranked(group, seeded()) == ranked(group, seeded())


def test_candidates_are_the_ranked_group_of_a_name() -> None:
    served = config([deployment("a", id="1"), deployment("b", id="2", order=1)])

    assert ["2"] == [d.id for d in candidates(served, "b", seeded())]


def test_a_model_that_nobody_serves_has_no_candidates() -> None:
    assert [] == candidates(config(), "chat", seeded())

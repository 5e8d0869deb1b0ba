"""Each strategy over simulated traffic: whom it prefers, and that it settles there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.model import RouterSettings
from shared.gateway.quotes import Group, quote
from shared.routing.candidates import ranked
from shared.routing.strategies import (
    Limits,
    Sample,
    State,
    choose,
    has_room,
    is_by_cost,
    strategy_word,
)
from tests.routing.builders import call, config, deployment, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.config.model import Strategy

ANY = Limits()
NAMES = "abc"
LATENCY = "latency 0 10"


def sample(per_token_us: int, first_token_ms: int | None = None) -> Sample:
    return Sample(latency_ms=1, per_token_us=per_token_us, first_token_ms=first_token_ms)


def first(strategy: str, *states: State) -> int | None:
    return choose(strategy, [(state, ANY) for state in states], 1)


def traffic(
    strategy: str, calls: int, after: Callable[[str, State], State], limits: Limits = ANY
) -> Counter[str]:
    """Let calls come one after another; `after` is what one does to the state of its deployment."""
    random = seeded()
    states = dict.fromkeys(NAMES, State())
    chosen = Counter[str]()
    group = [deployment(id=name) for name in NAMES]
    for _ in range(calls):
        order = [d.id for d in ranked(group, random)]
        position = choose(strategy, [(states[name], limits) for name in order], 1)
        if position is not None:
            name = order[position]
            chosen[name] += 1
            states[name] = after(name, states[name])
    return chosen


def test_least_busy_spreads_calls_that_never_end_evenly() -> None:
    found = traffic("active", 300, lambda _, state: replace(state, active=state.active + 1))

    assert dict.fromkeys(NAMES, 100) == found


def test_usage_based_levels_out_tokens_not_calls() -> None:
    size = {"a": 1, "b": 10, "c": 100}

    def spend(name: str, state: State) -> State:
        return replace(state, tokens_this_minute=state.tokens_this_minute + size[name])

    found = traffic("tokens", 1_000, spend)

    spent = [found[name] * size[name] for name in NAMES]
    assert max(spent) - min(spent) <= 100


def test_latency_based_tries_each_once_and_settles_on_the_fastest() -> None:
    speed = {"a": 300, "b": 100, "c": 200}

    def answer(name: str, state: State) -> State:
        return replace(state, samples=(*state.samples, sample(speed[name])))

    found = traffic(LATENCY, 300, answer)

    assert {"a": 1, "c": 1, "b": 298} == found


def test_latency_based_leaves_one_that_became_slow() -> None:
    speed = {"a": 300, "b": 100, "c": 200}

    def slower_and_slower(name: str, state: State) -> State:
        late = 1_000 if name == "b" and len(state.samples) >= 50 else speed[name]
        return replace(state, samples=(*state.samples, sample(late)))

    found = traffic(LATENCY, 300, slower_and_slower)

    assert 50 < found["b"] < 70
    assert found["c"] > 200


def test_within_the_buffer_all_are_as_good() -> None:
    speed = {"a": 130, "b": 100, "c": 120}

    def answer(name: str, state: State) -> State:
        return replace(state, samples=(*state.samples, sample(speed[name])))

    found = traffic("latency 0.25 10", 3_000, answer)

    assert found["a"] <= 2
    assert 0.5 == pytest.approx(found["b"] / 3_000, abs=0.05)


def test_streams_are_ranked_by_their_first_token() -> None:
    quick_first = State(samples=(sample(900, 10),))
    quick_last = State(samples=(sample(100, 90),))

    assert 1 == first(LATENCY, quick_first, quick_last)
    assert 0 == first("first_token 0 10", quick_first, quick_last)


def test_only_the_latest_samples_count() -> None:
    was_slow = State(samples=(sample(9_000), sample(100), sample(100)))
    other = State(samples=(sample(200),))

    assert 0 == first("latency 0 2", was_slow, other)
    assert 1 == first("latency 0 3", was_slow, other)


def test_what_cools_or_is_full_is_never_chosen() -> None:
    limits = Limits(max_parallel=2, rpm=5, tpm=100)

    assert has_room(State(active=1, requests=4, tokens=90), limits, 10)
    assert not has_room(State(cools=True), limits, 10)
    assert not has_room(State(active=2), limits, 10)
    assert not has_room(State(requests=5), limits, 10)
    assert not has_room(State(tokens=91), limits, 10)


def test_with_no_room_anywhere_nobody_is_chosen() -> None:
    assert choose("sent", [(State(cools=True), ANY)], 1) is None
    assert choose("active", [], 1) is None


states = st.builds(
    State,
    cools=st.booleans(),
    active=st.integers(0, 3),
    tokens_this_minute=st.integers(0, 3),
    samples=st.lists(st.builds(sample, st.integers(1, 9), st.none() | st.integers(1, 9))).map(
        tuple
    ),
)


@given(
    st.sampled_from(["sent", "active", "tokens", LATENCY, "first_token 0.5 2"]),
    st.lists(states, max_size=5),
)
def test_somebody_is_chosen_as_long_as_anybody_has_room(
    strategy: str, found: Sequence[State]
) -> None:
    position = first(strategy, *found)

    assert (position is not None) == any(not state.cools for state in found)
    assert position is None or not found[position].cools


@pytest.mark.parametrize(
    ("strategy", "word"),
    [
        ("simple-shuffle", "sent"),
        ("cost-based-routing", "sent"),
        ("least-busy", "active"),
        ("usage-based-routing-v2", "tokens"),
        ("latency-based-routing", "latency 0.100000 10"),
    ],
)
def test_a_groups_strategy_goes_before_the_routers(strategy: Strategy, word: str) -> None:
    router = RouterSettings(group_strategies={"chat": strategy}, latency_buffer=0.1)

    assert word == strategy_word(router, "chat", is_stream=False)
    assert "sent" == strategy_word(router, "other", is_stream=False)
    assert (strategy == "cost-based-routing") == is_by_cost(router, "chat")


def test_a_sample_is_measured_per_token_or_as_a_whole() -> None:
    assert "1500:15000:200" == Sample.of(1500.0, 100, 200.0).text
    assert "1500:1500000:" == Sample.of(1500.0, 0, None).text


def test_by_cost_the_cheapest_takes_all_it_may_and_then_the_next() -> None:
    prices = {"a": 3, "b": 1, "c": 2}
    group = [
        deployment(id=name, custom_price={"input_cost_per_token": p, "output_cost_per_token": p})
        for name, p in prices.items()
    ]
    random, limits = seeded(), Limits(rpm=40)
    states = dict.fromkeys(NAMES, State())
    chosen: list[str] = []
    for _ in range(100):
        settings = config(group, strategy="cost-based-routing")
        quotes = quote(call("chat"), settings, [Group("chat", ranked(group, random))])
        order = [each.deployment.id for each in quotes]
        position = choose(quotes[0].strategy, [(states[name], limits) for name in order], 1)
        assert position is not None
        name = order[position]
        chosen.append(name)
        states[name] = replace(states[name], requests=states[name].requests + 1)

    assert ["b"] * 40 + ["c"] * 40 + ["a"] * 20 == chosen


def test_by_weight_calls_fall_in_proportion_and_move_on_when_one_cools() -> None:
    group = [deployment(id=name, weight=w) for name, w in {"a": 1, "b": 2, "c": 3}.items()]
    random = seeded()

    def shares(*cooling: str) -> Counter[str]:
        chosen = Counter[str]()
        for _ in range(6_000):
            order = [d.id for d in ranked(group, random)]
            states = [(State(cools=name in cooling), ANY) for name in order]
            position = choose("sent", states, 1)
            assert position is not None
            chosen[order[position]] += 1
        return chosen

    all_well, without_c = shares(), shares("c")

    assert [1 / 6, 2 / 6, 3 / 6] == pytest.approx([all_well[n] / 6_000 for n in NAMES], abs=0.03)
    assert [1 / 3, 2 / 3, 0] == pytest.approx([without_c[n] / 6_000 for n in NAMES], abs=0.03)

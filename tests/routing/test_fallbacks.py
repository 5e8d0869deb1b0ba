from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.fallbacks import fallback_chain, special_chain
from tests.routing.builders import call, config

names = st.sampled_from("abcdefghij")
chains = st.dictionaries(names, st.lists(names, max_size=6).map(tuple))


def chain(router: dict[str, object], **fields: object) -> str:
    return "".join(fallback_chain(config(**router), "a", call("a", **fields)))


@pytest.mark.parametrize(
    ("router", "expected"),
    [
        ({}, ""),
        ({"fallbacks": {"a": ("b", "c")}}, "bc"),
        ({"fallbacks": {"b": ("c",)}}, ""),
        ({"fallbacks": {"a": ("b", "d"), "b": ("c",)}}, "bcd"),
        ({"fallbacks": {"a": ("b",), "b": ("a",)}}, "b"),
        ({"fallbacks": {"a": ("a", "b", "b")}}, "b"),
        ({"default_fallbacks": ("x", "a", "y")}, "xy"),
        ({"fallbacks": {"a": ("b",)}, "default_fallbacks": ("x",)}, "bx"),
        ({"fallbacks": {"a": tuple("bcdefgh")}}, "bcdef"),
        ({"fallbacks": {"a": tuple("bcdefgh")}, "max_fallbacks": 2}, "bc"),
        ({"fallbacks": {"z": ("b",)}, "model_group_alias": {"a": "z"}}, "b"),
    ],
)
def test_configured_fallbacks_are_walked_each_once(
    router: dict[str, object], expected: str
) -> None:
    assert expected == chain(router)


def test_a_list_that_came_with_the_call_replaces_the_configured_ones() -> None:
    asked = ("c", "a", "c", "d")

    assert "cd" == chain({"fallbacks": {"a": ("b",), "c": ("e",)}}, fallbacks=asked)


def test_an_empty_list_that_came_with_the_call_means_none() -> None:
    assert "" == chain({"default_fallbacks": ("x",)}, fallbacks=())


def test_a_call_can_switch_fallbacks_off() -> None:
    assert "" == chain({"fallbacks": {"a": ("b",)}}, fallbacks=("b",), disable_fallbacks=True)


def test_the_models_alias_of_a_key_is_not_its_own_fallback() -> None:
    made = call("alias", fallbacks=("alias", "b"))

    assert ["b"] == fallback_chain(config(), "a", made)


@given(names, chains, st.lists(names, max_size=6).map(tuple), st.integers(0, 8))
def test_whatever_is_configured_each_target_comes_once_and_never_the_model_itself(
    model: str, fallbacks: dict[str, tuple[str, ...]], default: tuple[str, ...], most: int
) -> None:
    found = fallback_chain(
        config(fallbacks=fallbacks, default_fallbacks=default, max_fallbacks=most),
        model,
        call(model),
    )

    assert len(set(found)) == len(found) <= most
    assert model not in found


def test_a_very_long_chain_ends_at_the_limit() -> None:
    fallbacks = {str(i): (str(i + 1),) for i in range(10_000)}

    assert ["1", "2", "3", "4", "5"] == fallback_chain(config(fallbacks=fallbacks), "0", call("0"))


def test_special_fallbacks_are_found_by_model_and_alias_and_never_name_the_model_itself() -> None:
    served = config(model_group_alias={"short": "chat"})
    chains = {"chat": ("long", "chat", "long"), "*": ("any",)}

    assert ["long"] == special_chain(served, "chat", call("chat"), None, chains)
    assert ["long", "chat"] == special_chain(served, "short", call("short"), None, chains)
    assert ["any"] == special_chain(served, "other", call("other"), None, chains)
    assert [] == special_chain(served, "chat", call("chat", disable_fallbacks=True), None, chains)

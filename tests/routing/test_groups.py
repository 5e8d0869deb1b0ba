from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.groups import captured, deployments_of
from tests.routing.builders import config, deployment

MODELS = [
    deployment("chat", id="one"),
    deployment("chat", id="two", model="gpt-4o-mini"),
    deployment("openai/*", id="wild", model="*"),
    deployment("openai/gpt-*", id="gpt", model="gpt-*"),
    deployment("*", id="any", provider="openrouter", model="*"),
    deployment("fixed/*", id="fixed", model="gpt-4o"),
    deployment("eu/*/x-*", id="two-stars", model="*-eu/*"),
]


def found(name: str, **router: object) -> list[tuple[str, str]]:
    return [(d.id, d.model) for d in deployments_of(config(MODELS, **router), name)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chat", [("one", "gpt-4o"), ("two", "gpt-4o-mini")]),
        ("openai/o3", [("wild", "o3")]),
        ("openai/gpt-5", [("gpt", "gpt-5")]),
        ("openai/a/b", [("wild", "a/b")]),
        ("o3-mini", [("wild", "o3-mini")]),
        ("gpt-5", [("gpt", "gpt-5")]),
        ("llama", [("any", "llama")]),
        ("fixed/whatever", [("fixed", "gpt-4o")]),
        ("eu/claude/x-1", [("two-stars", "claude-eu/1")]),
    ],
)
def test_a_name_leads_to_its_group_or_the_most_specific_wildcard(
    name: str, expected: list[tuple[str, str]]
) -> None:
    assert expected == found(name)


def test_a_deployment_id_picks_that_deployment() -> None:
    only = config([m for m in MODELS if m.id != "any"])

    assert ["two"] == [d.id for d in deployments_of(only, "two")]


def test_the_id_of_a_wildcard_says_no_model() -> None:
    only = config([m for m in MODELS if m.id != "any"])

    assert () == deployments_of(only, "wild")


def test_a_name_nobody_serves_leads_nowhere() -> None:
    assert () == deployments_of(config(MODELS[:3]), "llama")


def test_an_alias_redirects_even_a_group_that_exists() -> None:
    assert [("wild", "o3")] == found("chat", model_group_alias={"chat": "openai/o3"})


def test_an_alias_is_followed_once_so_that_a_circle_ends() -> None:
    circle = {"a": "b", "b": "a"}

    assert () == deployments_of(config(MODELS[:2], model_group_alias=circle), "a")


@pytest.mark.parametrize(
    ("pattern", "name", "parts"),
    [
        ("*", "a", ("a",)),
        ("*", "", None),
        ("a*", "a", None),
        ("a/*", "a/b/c", ("b/c",)),
        ("*/*", "a/b/c", ("a", "b/c")),
        ("*a*", "xay", ("x", "y")),
        ("*a*", "a", None),
        ("*ab", "xab", ("x",)),
        ("a*a", "a", None),
        ("a*a", "aa", None),
        ("a*a", "axa", ("x",)),
        ("**", "ab", ("a", "b")),
        ("a", "a", ()),
        ("a", "b", None),
        ("a.*", "abc", None),
    ],
)
def test_a_star_stands_for_at_least_one_character(
    pattern: str, name: str, parts: tuple[str, ...] | None
) -> None:
    assert parts == captured(pattern, name)


@given(st.text("ab*", max_size=6), st.text("ab", max_size=12))
def test_what_the_stars_stand_for_gives_the_name_again(pattern: str, name: str) -> None:
    parts = captured(pattern, name)

    if parts is not None:
        literals = pattern.split("*")
        assert name == literals[0] + "".join(
            part + literal for part, literal in zip(parts, literals[1:], strict=True)
        )
        assert all(parts)


@given(st.lists(st.text("ab/", min_size=1, max_size=3), min_size=2, max_size=4))
def test_a_name_made_from_a_pattern_fits_it(pieces: list[str]) -> None:
    assert captured("*".join(pieces), "x".join(pieces)) is not None

"""A configuration file as a whole: what is refused, what is warned about, what never crashes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.loading import ConfigError, load_config
from shared.config.model import Config
from tests.config.reading import entry, problems, read, warnings

if TYPE_CHECKING:
    from pathlib import Path

    from shared.domain import Json, JsonObject


def test_no_path_is_an_empty_config() -> None:
    assert Config() == load_config("")


def test_an_empty_file_of_settings_has_all_defaults(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    assert Config() == load_config(str(tmp_path / "config.json"), {})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model_list": 5}'])
def test_what_is_no_config_is_refused_as_a_whole(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)

    with pytest.raises(ConfigError):
        load_config(str(tmp_path / "config.json"), {})


def test_a_missing_file_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_config("/nowhere/config.json", {})


def test_the_error_lists_every_problem_with_its_place(tmp_path: Path) -> None:
    bad = {"model_list": [entry(rpm="many"), {"model_name": ""}], "router_settings": []}
    (tmp_path / "config.json").write_bytes(orjson.dumps(bad))

    with pytest.raises(ConfigError) as refusal:
        load_config(str(tmp_path / "config.json"), {})

    assert [
        "router_settings: must be a mapping",
        "model_list[0].litellm_params.rpm: must be a whole number, 0 or more",
        "model_list[1].model_name: must be a name of 1 to 255 characters",
        "model_list[1].litellm_params.model: is missing",
    ] == str(refusal.value).splitlines()


def test_unknown_settings_are_warned_about_and_have_no_effect() -> None:
    data: Json = {
        "model_list": [entry(colour="red")],
        "router_settings": {"shape": 1},
        "litellm_settings": {"add_function_to_prompt": True},
        "general_settings": {"made_up": []},
        "mcp_servers": {},
    }

    found = warnings(data)

    assert [
        "model_list[0].litellm_params.colour",
        "litellm_settings.add_function_to_prompt",
        "router_settings.shape",
        "general_settings.made_up",
        "mcp_servers",
    ] == [warning.split(":")[0] for warning in found]
    assert [] == problems(data)


FULL: JsonObject = {
    "model_list": [
        entry(
            info={"id": "one", "base_model": "m", "mode": "chat", "max_output_tokens": 5},
            api_base="http://h/v1",
            api_key="os.environ/OPENAI_API_KEY",
            timeout=5,
            extra_headers={"a": "b"},
            input_cost_per_token=1,
        ),
        entry("openai/*", model="openai/*"),
    ],
    "router_settings": {
        "num_retries": 1,
        "fallbacks": [{"chat": ["openai/x"]}],
        "model_group_alias": {"a": {"model": "chat", "hidden": False}},
        "routing_strategy": "simple-shuffle",
    },
    "litellm_settings": {"timezone": "UTC", "request_timeout": 5},
    "general_settings": {"master_key": "os.environ/X", "allow_private_api_base": True},
}


def places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("os.environ/X"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(places(FULL)[1:]), junk)
def test_whatever_stands_anywhere_a_reading_finds_problems_and_never_crashes(
    place: tuple[str | int, ...], value: Json
) -> None:
    data = copy.deepcopy(FULL)
    *before, last = place
    target: object = data
    for step in before:
        target = target[step]  # type: ignore[index]
    target[last] = value  # type: ignore[index]

    config, _ = read(data)

    assert isinstance(config, Config)


@given(junk)
def test_any_value_is_read_without_a_crash(data: Json) -> None:
    config, _ = read(data)

    assert isinstance(config, Config)

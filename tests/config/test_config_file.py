from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.config_file import ConfigFileError, check_text, compile_file
from shared.config.loading import load_config

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LITELLM_EXAMPLE = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      rpm: 60
  - model_name: gpt-4o
    litellm_params:
      model: groq/llama
      api_key: "os.environ/GROQ_API_KEY"
      rpm: 6
    model_info:
      id: second
  - model_name: "openai/*"
    litellm_params: &openai
      model: "openai/*"
      api_key: os.environ/OPENAI_API_KEY
  - model_name: "*"
    litellm_params:
      <<: *openai
      timeout: 30

router_settings:
  routing_strategy: simple-shuffle
  num_retries: 3
  fallbacks:
    - gpt-4o: ["openai/gpt-4o-mini"]

litellm_settings:
  timezone: Europe/Berlin
  budget_reset_time: "06:00"

general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
"""


def failure(text: str) -> list[str]:
    with pytest.raises(ConfigFileError) as refusal:
        check_text(text, "config.yaml")
    return str(refusal.value).splitlines()


def places(told: Iterable[str]) -> list[tuple[int, str]]:
    parts = [line.split(":") for line in told]
    return [(int(line), place.strip()) for _, line, place, *_ in parts]


def test_a_litellm_configuration_compiles_to_what_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(LITELLM_EXAMPLE)

    (tmp_path / "config.json").write_text(compile_file(tmp_path / "config.yaml"))

    config = load_config(str(tmp_path / "config.json"), {"OPENAI_API_KEY": "one"})
    assert [("gpt-4o", "one"), ("gpt-4o", ""), ("openai/*", "one"), ("*", "one")] == [
        (d.model_group, d.api_key) for d in config.deployments
    ]
    assert (30, "second") == (
        config.deployments[3].timeouts.total,
        config.deployments[1].id,
    )


def test_the_compiled_file_holds_references_and_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-swordfish")

    compiled = check_text(LITELLM_EXAMPLE, "config.yaml").compiled

    assert "sk-swordfish" not in compiled
    assert (
        "os.environ/OPENAI_API_KEY"
        == json.loads(compiled)["model_list"][0]["litellm_params"]["api_key"]
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}"])
def test_an_empty_file_is_an_empty_configuration(text: str) -> None:
    assert "{}" == check_text(text, "config.yaml").compiled


def test_every_problem_has_its_line() -> None:
    text = """\
model_list:
  - model_name: a
    litellm_params:
      model: openai/gpt-4o
      rpm: many
  - model_name: b
    litellm_params:
      api_base: ftp://host
router_settings:
  num_retries: -1
"""

    assert [
        (5, "model_list[0].litellm_params.rpm"),
        (7, "model_list[1].litellm_params.model"),
        (8, "model_list[1].litellm_params.api_base"),
        (10, "router_settings.num_retries"),
    ] == places(failure(text))


def test_unknown_settings_are_warnings_with_their_lines() -> None:
    text = "litellm_settings:\n  add_function_to_prompt: true\n  set_verbose: false\n"

    assert [
        (2, "litellm_settings.add_function_to_prompt"),
        (3, "litellm_settings.set_verbose"),
    ] == places(check_text(text, "config.yaml").warnings)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [1,\n", 2, "expected the node content"),
        ("a: b: c\n", 1, "not allowed here"),
        ("a: 1\na: 2\n", 2, "given twice"),
        ("a:\n  b: 1\n  b: 2\n", 3, "given twice"),
        ("x:\n  1: a\n", 2, "quotes"),
        ("x: 2024-01-15\n", 1, "date"),
        ("x: .nan\n", 1, "not a number"),
        ("x:\n - .inf\n", 2, "not a number"),
        (f"x: {2**64}\n", 1, "too large"),
        ("x: !!binary aGk=\n", 1, "JSON"),
        ("x: !!set {a}\n", 1, "tag"),
        ("x: !!omap []\n", 1, "tag"),
        ("x:\n  ? [a, b]\n  : 1\n", 2, "quotes"),
        ("x:\n  ? {a: b}\n  : 1\n", 2, "quotes"),
        ("x:\n  !!int five: 1\n", 2, "quotes"),
        ("x:\n  on: 1\n", 2, "x.on"),
        ("x:\n  ? !!str [a]\n  : 1\n", 2, "quotes"),
        ("x: {<<: 5}\n", 1, "mapping"),
        ("x: !!int five\n", 1, "quotes"),
        ("x: !!bool five\n", 1, "quotes"),
        ("x: 2024-99-99\n", 1, "quotes"),
        ("x: !!python/object:os.system {}\n", 1, "tag"),
        ("x: &a\n  y: *a\n", 2, "itself"),
        ("x: &a [*a]\n", 1, "itself"),
        ("x: *b\n", 1, "undefined alias"),
        ("- a\n", 1, "must be a mapping"),
        ("just words\n", 1, "must be a mapping"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("litellm_settings:\n  budget_reset_time: 12:00\n", 2, "in quotes"),
        ("include:\n - other.yaml\n", 1, "one file"),
        ("\x07", 1, ""),
        ("[" * 5_000, 1, ""),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    found = failure(text)

    assert any(told.startswith(f"config.yaml:{line}:") and words in told for told in found), found


def test_a_mapping_that_is_merged_twice_is_no_duplicate() -> None:
    text = """\
model_list:
  - model_name: a
    litellm_params: &a {model: openai/a, rpm: 5}
  - model_name: b
    litellm_params: &b {<<: *a, rpm: 6}
  - model_name: c
    litellm_params: *b
"""

    compiled = json.loads(check_text(text, "config.yaml").compiled)

    assert [5, 6, 6] == [entry["litellm_params"]["rpm"] for entry in compiled["model_list"]]


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"none\.yaml"):
        compile_file(tmp_path / "none.yaml")


def test_a_file_that_is_not_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigFileError, match=r"config\.yaml"):
        compile_file(tmp_path / "config.yaml")


@given(st.text(st.sampled_from("ab:-[]{}&*!#|>'\"%@`\n \t0.,?~"), max_size=40) | st.text())
def test_any_text_compiles_or_is_told_to_be_wrong(text: str) -> None:
    try:
        outcome = check_text(text, "config.yaml").compiled
    except ConfigFileError as error:
        outcome = str(error)

    assert outcome


UNSUPPORTED = """\
model_list:
  - model_name: a
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      max_retries: 3
litellm_settings:
  success_callback: [langfuse]
  cache: true
  cache_params:
    type: redis
    similarity_threshold: 0.8
general_settings:
  alerting_threshold: 300
  made_up: 1
"""


def test_litellms_settings_that_have_no_effect_are_explained_with_their_line() -> None:
    told = check_text(UNSUPPORTED, "config.yaml").warnings

    assert [
        (6, "model_list[0].litellm_params.max_retries"),
        (8, "litellm_settings.success_callback"),
        (12, "litellm_settings.cache_params.similarity_threshold"),
        (14, "general_settings.alerting_threshold"),
        (15, "general_settings.made_up"),
    ] == places(told)
    assert "spend is in litellm_spendlogs" in told[1]
    assert "alerts tell of budgets" in told[3]
    assert "not a setting that Tollgate knows" in told[4]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("guardrails:\n  - guardrail_name: pii", 1),
        ("general_settings:\n  enable_jwt_auth: true", 2),
        ("general_settings:\n  allowed_ips: [10.0.0.1]", 2),
        ("general_settings:\n  global_max_parallel_requests: 5", 2),
        ("general_settings:\n  disable_custom_api_keys: true", 2),
        ("general_settings:\n  allowed_routes: [/chat/completions]", 2),
        ("litellm_settings:\n  blocked_user_list: [a]", 2),
        ("litellm_settings:\n  max_user_budget: 5", 2),
    ],
)
def test_a_protection_that_would_not_be_there_is_refused(text: str, line: int) -> None:
    (told,) = failure(text)

    assert told.startswith(f"config.yaml:{line}: ")
    assert "is not supported" in told


def test_a_protection_that_is_switched_off_is_only_told_of() -> None:
    checked = check_text("general_settings:\n  enable_jwt_auth: false", "config.yaml")

    assert 1 == len(checked.warnings)

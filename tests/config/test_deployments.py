"""An entry of model_list: its vendor, address, key, prices and id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.config.model import UNORDERED
from shared.domain import Timeouts
from tests.config.reading import ENVIRONMENT, SECRET, deployment, entry, problems, read, warnings

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject


def test_a_deployment_takes_its_vendors_url_and_key() -> None:
    found = deployment()

    assert ("openai", "gpt-4o", "https://api.openai.com/v1", SECRET) == (
        found.provider,
        found.model,
        found.api_base,
        found.api_key,
    )


def test_the_base_url_variable_moves_a_vendor() -> None:
    environment = ENVIRONMENT | {"OPENAI_API_BASE": "http://localhost:9999/v1/"}

    config, _ = read({"model_list": [entry()]}, environment)

    assert "http://localhost:9999/v1" == config.deployments[0].api_base


@pytest.mark.parametrize(
    ("params", "provider", "model"),
    [
        ({"model": "openai/gpt-4o"}, "openai", "gpt-4o"),
        ({"model": "gpt-4o"}, "openai", "gpt-4o"),
        ({"model": "o3-mini"}, "openai", "o3-mini"),
        ({"model": "openrouter/openai/gpt-4o"}, "openrouter", "openai/gpt-4o"),
        ({"model": "a/b", "custom_llm_provider": "openai"}, "openai", "a/b"),
        ({"model": "openai/b", "custom_llm_provider": "openai"}, "openai", "b"),
        ({"model": "openai/*"}, "openai", "*"),
    ],
)
def test_the_provider_is_named_as_in_litellm(params: JsonObject, provider: str, model: str) -> None:
    config, findings = read({"model_list": [entry("*", params=params)]})

    found = config.deployments[0]
    assert ([], provider, model) == (findings.problems, found.provider, found.model)


@pytest.mark.parametrize("model", ["llama-3", "nowhere/gpt", "openai/", "*", "/", "/x"])
def test_a_model_without_a_known_provider_is_refused(model: str) -> None:
    (problem,) = problems({"model_list": [entry("*", model=model, api_base="http://h/v1")]})

    assert problem.startswith("model_list[0].litellm_params.model: ")


def test_a_server_of_ones_own_needs_its_address() -> None:
    (problem,) = problems({"model_list": [entry(model="hosted_vllm/llama")]})

    assert "HOSTED_VLLM_API_BASE" in problem


def test_a_reference_is_resolved_when_loaded() -> None:
    found = deployment(api_key="os.environ/OPENAI_API_KEY", rpm="os.environ/RPM")

    assert (SECRET, 60) == (found.api_key, found.rpm)


def test_a_reference_is_read_as_what_its_field_takes() -> None:
    config, findings = read(
        {
            "model_list": [entry(timeout="os.environ/WAIT", api_key="os.environ/RPM")],
            "router_settings": {"disable_cooldowns": "os.environ/ON"},
        }
    )

    found = config.deployments[0]
    assert ([], 2.5, "60", True) == (
        findings.problems,
        found.timeouts.total,
        found.api_key,
        config.router.disable_cooldowns,
    )


@pytest.mark.parametrize("name", ["WAIT", "ON", "WORD"])
def test_a_variable_that_does_not_fit_its_field_is_refused(name: str) -> None:
    (problem,) = problems({"model_list": [entry(rpm=f"os.environ/{name}")]})

    assert problem.startswith("model_list[0].litellm_params.rpm: ")


def test_base_url_is_another_name_for_api_base() -> None:
    assert "http://host/v1" == deployment(base_url="http://host/v1/").api_base


def test_a_wrong_base_url_variable_is_refused_by_name() -> None:
    (problem,) = problems({"model_list": [entry()]}, {"OPENAI_API_BASE": "nowhere"})

    assert "OPENAI_API_BASE" in problem


def test_a_secret_that_is_not_set_is_a_warning_for_other_models_may_work() -> None:
    data: Json = {"model_list": [entry(api_key="os.environ/ABSENT")]}

    config, findings = read(data)

    assert ([], "") == (findings.problems, config.deployments[0].api_key)
    assert ["the environment variable ABSENT is not set"] == [
        warning.sentence for warning in findings.warnings
    ]


@pytest.mark.parametrize("name", ["api_base", "rpm", "timeout", "weight"])
def test_any_other_value_that_is_not_set_is_a_problem(name: str) -> None:
    (problem,) = problems({"model_list": [entry(params={name: "os.environ/ABSENT"})]})

    assert (
        f"model_list[0].litellm_params.{name}: the environment variable ABSENT is not set"
        == problem
    )


def test_references_are_taken_on_trust_where_the_file_is_only_checked() -> None:
    data: Json = {"model_list": [entry(api_base="os.environ/ABSENT", rpm="os.environ/ABSENT")]}

    assert [] == problems(data, None)


def test_a_plain_text_key_is_warned_about_without_showing_it() -> None:
    (warning,) = warnings({"model_list": [entry(api_key=SECRET)]})

    assert "plain text" in warning
    assert SECRET not in warning


def test_a_key_loses_the_newline_its_file_ended_in() -> None:
    assert "abc" == deployment(api_key="abc\n").api_key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "a\nb"),
        ("api_key", "schlüssel\u2013"),
        ("api_key", 5),
        ("api_base", "ftp://host"),
        ("api_base", "host/v1"),
        ("api_base", "http://"),
        ("api_base", "http://user:pass@host/v1"),
        ("api_base", "http://host/v1?key=1"),
        ("api_base", "http://host/v1#x"),
        ("api_base", "http://[::1"),
        ("api_base", "http://host:99999/"),
        ("api_base", "http://ho st/"),
        ("api_base", "http://h\u00f6st/"),
        ("api_base", 5),
        ("rpm", True),
        ("rpm", 1.5),
        ("rpm", -1),
        ("rpm", "5"),
        ("rpm", 10**16),
        ("tpm", [1]),
        ("weight", "heavy"),
        ("order", "first"),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", True),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("cooldown_time", "soon"),
        ("model", ["openai/gpt-4o"]),
        ("model", "openai/gpt\n4"),
        ("extra_headers", []),
        ("extra_headers", {"x y": "1"}),
        ("extra_headers", {"x": "a\r\nb: c"}),
        ("extra_headers", {"x": 1}),
        ("input_cost_per_token", -0.1),
        ("input_cost_per_token", "cheap"),
        ("input_cost_per_token", True),
        ("output_cost_per_token", "NaN"),
        ("output_cost_per_token", float("inf")),
    ],
)
def test_a_wrong_value_is_refused_at_its_place(name: str, value: Json) -> None:
    found = problems({"model_list": [entry(params={name: value})]})

    assert 1 == len(found)
    assert found[0].startswith(f"model_list[0].litellm_params.{name}")


def test_a_problem_never_shows_a_secret() -> None:
    data: Json = {"model_list": [entry(api_key=SECRET + "\n\x01", api_base=f"x://{SECRET}")]}

    assert SECRET not in " ".join(problems(data))


def test_every_field_of_a_deployment_is_read() -> None:
    found = deployment(
        info={"id": "one", "base_model": "gpt-4o-2024", "max_output_tokens": 100, "mode": "chat"},
        weight=2,
        rpm=60,
        tpm=1000,
        order=1,
        cooldown_time=30,
        extra_headers={"X-Team": "a"},
        input_cost_per_token="1e-6",
        output_cost_per_token=0.000002,
    )

    assert ("one", "chat", 2, 60, 1000, 1, 30.0) == (
        found.id,
        found.model_group,
        found.weight,
        found.rpm,
        found.tpm,
        found.order,
        found.cooldown_seconds,
    )
    assert ({"x-team": "a"}, "gpt-4o-2024", 100, "chat") == (
        found.extra_headers,
        found.base_model,
        found.max_output_tokens,
        found.mode,
    )
    assert {
        "input_cost_per_token": "1e-6",
        "output_cost_per_token": 0.000002,
    } == found.custom_price


def test_a_deployment_without_an_order_comes_after_those_with_one() -> None:
    assert UNORDERED == deployment().order


def test_a_timeout_bounds_a_whole_answer_and_each_wait_of_a_stream() -> None:
    found = deployment(timeout=30)

    assert (Timeouts(5, 30, 30, 30), Timeouts(5, 30, 30, 600)) == (
        found.timeouts,
        found.stream_timeouts,
    )


@pytest.mark.parametrize(
    ("settings", "params", "first_byte"),
    [
        ({}, {}, (600, 120)),
        ({"router_settings": {"timeout": 50}}, {}, (50, 50)),
        ({"router_settings": {"timeout": 50, "stream_timeout": 9}}, {}, (50, 9)),
        (
            {"router_settings": {"timeout": 50}, "litellm_settings": {"request_timeout": 40}},
            {},
            (40, 40),
        ),
        ({"router_settings": {"timeout": 50, "stream_timeout": 9}}, {"timeout": 30}, (30, 30)),
        ({"router_settings": {"timeout": 50}}, {"stream_timeout": 3}, (50, 3)),
    ],
)
def test_the_nearest_timeout_counts(
    settings: JsonObject, params: JsonObject, first_byte: tuple[float, float]
) -> None:
    config, _ = read({"model_list": [entry(params=params)], **settings})

    found = config.deployments[0]
    assert first_byte == (found.timeouts.first_byte, found.stream_timeouts.first_byte)


def test_an_id_stays_when_a_secret_or_the_order_of_lines_changes() -> None:
    one = deployment(api_key="a", rpm=5)

    other = deployment(rpm=5, api_key="b")

    assert one.id == other.id
    assert 64 == len(one.id)


@pytest.mark.parametrize(
    "params", [{"rpm": 6}, {"model": "openai/gpt-4"}, {"api_base": "http://h"}]
)
def test_an_id_changes_with_what_is_called(params: JsonObject) -> None:
    assert deployment(rpm=5).id != deployment({"rpm": 5, **params}).id


def test_entries_whose_keys_have_different_names_have_different_ids() -> None:
    assert deployment(api_key="os.environ/OPENAI_API_KEY").id != deployment().id


def test_entries_that_differ_in_a_secret_only_still_have_different_ids() -> None:
    config, _ = read({"model_list": [entry(api_key="a"), entry(api_key="b")]})

    assert 2 == len({found.id for found in config.deployments})


def test_one_given_id_for_two_entries_is_refused() -> None:
    data: Json = {"model_list": [entry(info={"id": "a"}), entry(info={"id": "a"})]}

    assert ["model_list[1].model_info.id: a is the id of another entry too"] == problems(data)


def test_more_wildcards_than_the_group_has_are_refused() -> None:
    (problem,) = problems({"model_list": [entry("chat", model="openai/*")]})

    assert "wildcards" in problem


def test_the_price_of_a_search_is_one_or_by_size() -> None:
    by_size: JsonObject = {"search_context_size_low": 0.01, "search_context_size_high": "0.03"}
    data: JsonObject = {
        "model_list": [
            entry(api_base="http://h", search_context_cost_per_query=0.02),
            entry(api_base="http://h", search_context_cost_per_query=by_size),
        ]
    }

    config, findings = read(data)

    assert [] == findings.problems
    assert [{"search_context_cost_per_query": 0.02}, by_size] == [
        dict(deployment.custom_price) for deployment in config.deployments
    ]


def test_azures_version_is_the_deployments_else_the_environments() -> None:
    given: JsonObject = {"model": "azure/gpt-4o", "api_base": "https://a.openai.azure.com"}
    environment = {**ENVIRONMENT, "AZURE_API_KEY": "k", "AZURE_API_VERSION": "2025-01-01"}
    models: list[Json] = [
        entry("a", params=given),
        entry("b", params={**given, "api_version": "2026-01-01"}),
    ]

    config, _ = read({"model_list": models}, environment)

    assert ["2025-01-01", "2026-01-01"] == [found.api_version for found in config.deployments]


def test_a_region_of_amazons_has_its_address() -> None:
    found = deployment(
        model="bedrock/eu.amazon.nova-pro-v1:0", api_key="k", aws_region_name="eu-west-1"
    )

    assert "https://bedrock-runtime.eu-west-1.amazonaws.com" == found.api_base


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (None, "aiplatform.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_a_project_of_googles_has_its_address(location: str | None, host: str) -> None:
    found = deployment(
        model="vertex_ai/gemini-2.5-pro",
        api_key="token",
        vertex_project="p",
        vertex_location=location,
    )

    place = location or "global"
    path = f"/v1/projects/p/locations/{place}/publishers/google"
    assert f"https://{host}{path}" == found.api_base


def test_what_a_provider_cannot_do_may_be_left_out_for_one_deployment_or_all() -> None:
    entries: list[Json] = [entry(), entry(drop_params=True)]

    one = read({"model_list": entries})[0]
    every = read({"model_list": entries, "litellm_settings": {"drop_params": True}})[0]

    assert [False, True] == [deployment.handling.drop_params for deployment in one.deployments]
    assert [True, True] == [deployment.handling.drop_params for deployment in every.deployments]

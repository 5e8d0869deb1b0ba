from __future__ import annotations

import copy
from decimal import Decimal
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.degraded import DegradedSettings
from shared.config.loading import ConfigError, load_config, read_config
from shared.config.model import UNORDERED, Config, Margin
from shared.domain import Nanodollars, Timeouts

if TYPE_CHECKING:
    from pathlib import Path

    from shared.config.sections import Findings
    from shared.domain import Deployment, Json, JsonObject

SECRET = "sk-swordfish"
ENVIRONMENT = {"OPENAI_API_KEY": SECRET, "RPM": "60", "WAIT": "2.5", "ON": "True", "WORD": "x"}


def entry(
    name: str = "chat",
    info: JsonObject | None = None,
    params: JsonObject | None = None,
    **more: Json,
) -> JsonObject:
    return {
        "model_name": name,
        "litellm_params": {"model": "openai/gpt-4o", **(params or {}), **more},
        **({} if info is None else {"model_info": info}),
    }


def read(data: Json, environment: dict[str, str] | None = ENVIRONMENT) -> tuple[Config, Findings]:
    return read_config(data, environment)


def deployment(
    params: JsonObject | None = None, info: JsonObject | None = None, **more: Json
) -> Deployment:
    config, findings = read({"model_list": [entry("chat", info, params, **more)]})
    assert [] == findings.problems
    return config.deployments[0]


def problems(data: Json, environment: dict[str, str] | None = ENVIRONMENT) -> list[str]:
    return [str(problem) for problem in read(data, environment)[1].problems]


def warnings(data: Json) -> list[str]:
    return [str(warning) for warning in read(data)[1].warnings]


@pytest.mark.parametrize(
    ("value", "hedged"), [(True, (True, ())), (False, (False, ())), (["a"], (False, ("a",)))]
)
def test_requests_are_hedged_for_all_or_for_some_models(
    value: Json, hedged: tuple[bool, tuple[str, ...]]
) -> None:
    router = read({"router_settings": {"hedged_requests": value}})[0].router

    assert hedged == (router.hedged_requests, router.hedged_groups)


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


def test_a_strategy_is_read_for_the_router_and_for_groups() -> None:
    strategies: Json = {
        "routing_strategy": "least-busy",
        "model_group_routing_strategy": {"chat": "latency-based-routing"},
        "routing_strategy_args": {"lowest_latency_buffer": 0.5, "max_latency_list_size": 4},
    }
    config, findings = read({"router_settings": strategies})

    assert ([], []) == (findings.problems, findings.warnings)
    router = config.router
    assert ("least-busy", 0.5, 4) == (
        router.strategy,
        router.latency_buffer,
        router.latency_samples,
    )
    assert {"chat": "latency-based-routing"} == router.group_strategies


def test_a_strategy_that_does_not_exist_is_refused() -> None:
    (problem,) = problems({"router_settings": {"routing_strategy": "best"}})

    assert problem.startswith("router_settings.routing_strategy: must be simple-shuffle or")


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


def test_router_settings_win_over_litellm_settings() -> None:
    config, _ = read(
        {
            "router_settings": {"num_retries": 5, "allowed_fails": 7, "cooldown_time": 0},
            "litellm_settings": {"num_retries": 3, "allowed_fails": 1},
        }
    )

    assert (5, 7, 0) == (
        config.router.num_retries,
        config.router.allowed_fails,
        config.router.cooldown_seconds,
    )


def test_litellm_settings_count_where_the_router_is_silent() -> None:
    config, _ = read({"litellm_settings": {"num_retries": 3, "allowed_fails": 1}})

    assert (3, 1) == (config.router.num_retries, config.router.allowed_fails)


def test_fallbacks_of_both_sections_are_joined_and_the_star_is_the_default() -> None:
    config, _ = read(
        {
            "litellm_settings": {"fallbacks": [{"a": ["b"]}, {"*": ["z"]}]},
            "router_settings": {"fallbacks": [{"a": ["c"]}, {"b": ["d", "e"]}]},
        }
    )

    assert {"a": ("c",), "b": ("d", "e")} == config.router.fallbacks
    assert ("z",) == config.router.default_fallbacks


def test_a_fallback_that_nobody_serves_is_warned_about() -> None:
    data: Json = {
        "model_list": [entry("a")],
        "router_settings": {"fallbacks": [{"a": ["b"]}]},
    }

    assert ["router_settings.fallbacks: b is not in model_list"] == warnings(data)


def test_aliases_may_be_hidden() -> None:
    config, findings = read(
        {"router_settings": {"model_group_alias": {"a": "b", "c": {"model": "d", "hidden": True}}}}
    )

    assert ([], {"a": "b", "c": "d"}, {"c"}) == (
        findings.problems,
        config.router.model_group_alias,
        config.router.hidden_aliases,
    )


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("router_settings", "num_retries", -1),
        ("router_settings", "num_retries", 1e9),
        ("router_settings", "num_retries", True),
        ("router_settings", "cooldown_time", "5s"),
        ("router_settings", "fallbacks", {"a": ["b"]}),
        ("router_settings", "fallbacks", ["a"]),
        ("router_settings", "fallbacks", [{"a": "b"}]),
        ("router_settings", "fallbacks", [{"a": [""]}]),
        ("router_settings", "default_fallbacks", "a"),
        ("router_settings", "model_group_alias", ["a"]),
        ("router_settings", "model_group_alias", {"a": 5}),
        ("router_settings", "model_group_alias", {"a": {"hidden": True}}),
        ("litellm_settings", "budget_exceeded_status_code", 200),
        ("litellm_settings", "budget_exceeded_status_code", "422"),
        ("litellm_settings", "timezone", "Mars/Olympus"),
        ("litellm_settings", "timezone", "../../etc/passwd"),
        ("litellm_settings", "timezone", 5),
        ("litellm_settings", "budget_reset_time", 720),
        ("litellm_settings", "budget_reset_time", "25:00"),
        ("litellm_settings", "default_max_tokens", 0),
        ("litellm_settings", "unknown_price", "free"),
        ("litellm_settings", "unknown_price", ["zero"]),
        ("litellm_settings", "redis_down", True),
        ("litellm_settings", "redis_down", "open"),
        ("litellm_settings", "redis_down_exposure", -1),
        ("litellm_settings", "redis_down_exposure", True),
        ("litellm_settings", "both_down", "grace"),
        ("litellm_settings", "postgres_down", "grace"),
        ("litellm_settings", "ledger_stream_rows", 0),
        ("litellm_settings", "cost_discount_config", {"openai": 1.5}),
        ("litellm_settings", "cost_discount_config", {"openai": "5%"}),
        ("litellm_settings", "cost_discount_config", {"nobody": 0.1}),
        ("litellm_settings", "cost_discount_config", [0.1]),
        ("litellm_settings", "cost_margin_config", {"openai": -0.1}),
        ("litellm_settings", "cost_margin_config", {"openai": {}}),
        ("litellm_settings", "cost_margin_config", {"global": {"fixed_amount": -1}}),
        ("litellm_settings", "cost_margin_config", {"nobody": 0.1}),
        ("litellm_settings", "default_key_generate_params", {"max_budget": -1}),
        ("litellm_settings", "upperbound_key_generate_params", {"duration": "soon"}),
        ("litellm_settings", "default_team_params", {"rpm_limit": 1.5}),
        ("litellm_settings", "default_internal_user_params", {"user_role": "proxy_admin"}),
        ("litellm_settings", "max_internal_user_budget", "much"),
        ("general_settings", "allow_private_api_base", "yes"),
        ("general_settings", "litellm_key_header_name", 5),
    ],
)
def test_a_wrong_setting_is_refused_at_its_place(section: str, name: str, value: Json) -> None:
    found = problems({section: {name: value}})

    assert 1 == len(found)
    assert found[0].startswith(f"{section}.{name}")


def test_every_setting_is_read() -> None:
    config, findings = read(
        {
            "litellm_settings": {
                "budget_exceeded_status_code": 429,
                "model_access_denied_status_code": 401,
                "timezone": "Europe/Berlin",
                "budget_reset_time": "06:00",
                "default_max_tokens": 100,
                "unknown_price": "refuse",
                "redis_down": "grace",
                "redis_down_exposure": 0.25,
                "both_down": "journal",
                "postgres_down": "closed",
                "ledger_stream_rows": 1000,
            },
            "general_settings": {
                "litellm_key_header_name": "X-Key",
                "allow_private_api_base": False,
            },
        }
    )

    assert ([], []) == (findings.problems, findings.warnings)
    assert (429, 401, "Europe/Berlin", "06:00", 100, "refuse") == (
        config.litellm.budget_exceeded_status_code,
        config.litellm.model_access_denied_status_code,
        config.litellm.timezone,
        config.litellm.budget_reset_time,
        config.litellm.default_max_tokens,
        config.litellm.unknown_price,
    )
    assert config.degraded == DegradedSettings(
        redis_down="grace",
        exposure=Nanodollars(250_000_000),
        both_down="journal",
        postgres_down="closed",
        stream_rows=1000,
    )
    assert ("x-key", False) == (
        config.general.key_header_name,
        config.general.allow_private_api_base,
    )


def test_discounts_and_margins_are_read() -> None:
    config, findings = read(
        {
            "litellm_settings": {
                "cost_discount_config": {"openai": 0.05, "openai/gpt-5*": 0.1},
                "cost_margin_config": {
                    "azure": 0.2,
                    "global": {"percentage": 0.08, "fixed_amount": 0.0005},
                },
            }
        }
    )

    assert ([], []) == (findings.problems, findings.warnings)
    assert {"openai": Decimal("0.05"), "openai/gpt-5*": Decimal("0.1")} == config.litellm.discounts
    assert {
        "azure": Margin(share=Decimal("0.2")),
        "global": Margin(share=Decimal("0.08"), dollars=Decimal("0.0005")),
    } == config.litellm.margins


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


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "zero"),
        ({"block_requests_for_models_without_pricing": False}, "zero"),
        ({"block_requests_for_models_without_pricing": True}, "refuse"),
        ({"block_requests_for_models_without_pricing": True, "unknown_price": "zero"}, "zero"),
    ],
)
def test_litellms_switch_refuses_unknown_prices_too(settings: JsonObject, expected: str) -> None:
    config, findings = read({"litellm_settings": settings})

    assert ([], expected) == (findings.problems, config.litellm.unknown_price)


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


def test_policies_and_special_fallbacks_are_read() -> None:
    config, findings = read(
        {
            "litellm_settings": {"context_window_fallbacks": [{"chat": ["long"]}]},
            "router_settings": {
                "content_policy_fallbacks": [{"chat": ["mild"]}],
                "retry_policy": {"TimeoutErrorRetries": 3},
                "model_group_retry_policy": {"chat": {"RateLimitErrorRetries": 0}},
                "allowed_fails_policy": {"BadRequestErrorAllowedFails": 9},
                "enable_tag_filtering": True,
                "enable_pre_call_checks": True,
            },
        }
    )

    assert ([], []) == (findings.problems, findings.warnings)
    router = config.router
    assert ({"chat": ("long",)}, {"chat": ("mild",)}) == (
        router.context_window_fallbacks,
        router.content_policy_fallbacks,
    )
    assert ({"TimeoutError": 3}, {"chat": {"RateLimitError": 0}}, {"BadRequestError": 9}) == (
        router.retry_policy,
        router.group_retry_policies,
        router.allowed_fails_policy,
    )
    assert router.enable_tag_filtering
    assert router.enable_pre_call_checks

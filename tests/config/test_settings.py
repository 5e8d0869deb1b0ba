"""The settings that are no deployment: each is read, joined, defaulted or refused at its place."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from shared.config.degraded import DegradedSettings
from shared.config.model import Margin
from shared.domain import Nanodollars
from tests.config.reading import entry, problems, read, warnings

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject


@pytest.mark.parametrize(
    ("value", "hedged"), [(True, (True, ())), (False, (False, ())), (["a"], (False, ("a",)))]
)
def test_requests_are_hedged_for_all_or_for_some_models(
    value: Json, hedged: tuple[bool, tuple[str, ...]]
) -> None:
    router = read({"router_settings": {"hedged_requests": value}})[0].router

    assert hedged == (router.hedged_requests, router.hedged_groups)


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

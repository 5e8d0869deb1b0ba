"""Health by really calling, and the small utilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of
from tests.gateway.given import model
from tests.provider import Behaviour

if TYPE_CHECKING:
    from tests.admin.asking import Admin
    from tests.provider import Provider


async def given_model(admin: Admin, provider: Provider, name: str = "gpt") -> None:
    await admin.made("/model/new", **model(name, provider.url))


async def test_a_deployment_that_answers_is_healthy(admin: Admin, provider: Provider) -> None:
    await given_model(admin, provider)

    reply = (await admin.get("/health")).json()

    assert (1, 0, ["gpt"]) == (
        reply["healthy_count"],
        reply["unhealthy_count"],
        [one["model_name"] for one in reply["healthy_endpoints"]],
    )
    assert 1 == provider.requests[-1].json["max_tokens"]


async def test_a_deployment_that_fails_is_not_and_tells_no_key(
    admin: Admin, provider: Provider
) -> None:
    await given_model(admin, provider)
    provider.next(Behaviour(status=401, body=b'{"error":{"message":"bad key sk-upstream-canary"}}'))

    reply = await admin.get("/health", {"model": "gpt"})

    assert 1 == reply.json()["unhealthy_count"]
    assert reply.json()["unhealthy_endpoints"][0]["error"]
    assert "canary" not in reply.text


async def test_one_that_is_played_is_healthy_and_called_by_nobody(
    admin: Admin, provider: Provider
) -> None:
    await admin.made("/model/new", **model("gpt", provider.url, mock_response="Hello"))

    reply = (await admin.get("/health")).json()

    assert (1, []) == (reply["healthy_count"], provider.requests)


async def test_what_costs_more_than_a_token_is_not_called(admin: Admin, provider: Provider) -> None:
    entry = model("any/*", provider.url, model="openai/*")
    await admin.made("/model/new", **entry)
    image = {**model("image", provider.url), "model_info": {"mode": "image_generation"}}
    await admin.made("/model/new", **image)

    reply = (await admin.get("/health")).json()

    assert (2, []) == (len(reply["unchecked_endpoints"]), provider.requests)


async def test_an_unknown_model_is_refused(admin: Admin) -> None:
    assert 400 == error_of(await admin.get("/health", {"model": "nobody"}))[0]


async def test_details_tell_the_configuration_in_force(admin: Admin, provider: Provider) -> None:
    await given_model(admin, provider)

    details = (await admin.get("/health/readiness/details")).json()

    assert ("healthy", "connected", 1) == (details["status"], details["db"], details["models"])
    assert admin.state.desk.live.version == details["config_version"]


async def test_tokens_are_estimated(admin: Admin) -> None:
    messages = [{"role": "user", "content": "x" * 400}]
    body = {"model": "gpt", "messages": messages}

    reply = (await admin.post("/utils/token_counter", body)).json()

    assert 100 <= reply["total_tokens"] < 120
    assert ("gpt", "estimate") == (reply["request_model"], reply["tokenizer_type"])


async def test_a_count_needs_something_to_count(admin: Admin) -> None:
    assert 400 == error_of(await admin.post("/utils/token_counter", {"model": "gpt"}))[0]


async def test_supported_parameters_are_the_dialects(admin: Admin, provider: Provider) -> None:
    await given_model(admin, provider)

    reply = await admin.get("/utils/supported_openai_params", {"model": "gpt"})

    assert {"temperature", "tools", "stream"} <= set(reply.json()["supported_openai_params"])


async def test_a_key_checks_the_models_it_may_call_and_learns_no_address(
    admin: Admin, provider: Provider
) -> None:
    await given_model(admin, provider, "mine")
    await given_model(admin, provider, "others")
    key = (await admin.given_key(models=["mine"]))["key"]

    whole = (await admin.get("/health", key=key)).json()
    other = await admin.get("/health", {"model": "others"}, key=key)

    assert [("mine", None)] == [
        (one["model_name"], one["api_base"]) for one in whole["healthy_endpoints"]
    ]
    assert 403 == error_of(other)[0]


async def test_a_named_model_of_which_nothing_answers_is_a_503(
    admin: Admin, provider: Provider
) -> None:
    await given_model(admin, provider)
    await given_model(admin, provider, "other")
    provider.next(Behaviour(status=500))

    named = await admin.get("/health", {"model": "gpt"})
    provider.next(Behaviour(status=500))
    whole = await admin.get("/health")

    assert (503, 1, 200) == (named.status_code, named.json()["unhealthy_count"], whole.status_code)


async def test_one_deployment_is_checked_by_its_id(admin: Admin, provider: Provider) -> None:
    await given_model(admin, provider)
    entry = {**model("gpt", provider.url), "model_info": {"id": "second"}}
    await admin.made("/model/new", **entry)

    reply = (await admin.get("/health", {"model_id": "second"})).json()

    assert ["second"] == [one["model_id"] for one in reply["healthy_endpoints"]]


@pytest.mark.parametrize(
    ("query", "provider"),
    [
        ({"model": "gpt-4o"}, "openai"),
        ({"model": "openai/gpt-4o"}, "openai"),
        ({"model": "gpt-4o", "custom_llm_provider": "azure"}, "azure"),
        ({"model": "claude-sonnet-4-5"}, "anthropic"),
    ],
)
async def test_a_model_that_is_not_here_is_known_by_the_table_of_prices(
    lasting: Admin, query: dict[str, str], provider: str
) -> None:
    key = (await lasting.given_key())["key"]

    reply = await lasting.get("/utils/model_info", query, key=key)

    found = reply.json()
    info = found["model_info"]
    assert (200, query["model"], provider) == (
        reply.status_code,
        found["model"],
        found["custom_llm_provider"],
    )
    assert info["output_cost_per_token"] > info["input_cost_per_token"] > 0
    assert info["max_input_tokens"] > 1000
    assert "temperature" in info["supported_openai_params"]


@pytest.mark.parametrize(
    "query",
    [
        {"model": "openai/no-such-model"},
        {"model": "nobody/gpt-4o"},
        {"model": "gpt-4o", "custom_llm_provider": "nobody"},
        {"model": "openai/*"},
        {"model": "*"},
    ],
)
async def test_a_model_that_nobody_knows_is_not_found(
    lasting: Admin, query: dict[str, str]
) -> None:
    reply = await lasting.get("/utils/model_info", query)

    assert 404 == error_of(reply)[0]

"""Deployments tried out, what /health remembers, test alerts, requests as vendors see them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from functions.admin.app import make_app
from tests.admin.asking import error_of
from tests.gateway.given import model
from tests.provider import Behaviour

if TYPE_CHECKING:
    from tests.admin.asking import Admin
    from tests.provider import Provider

TRY = "/health/test_connection"
MESSAGES = [{"role": "user", "content": "Hello"}]


async def test_a_deployment_there_is_is_called_with_its_own_key(
    admin: Admin, provider: Provider
) -> None:
    await admin.made("/model/new", **model("gpt", provider.url))

    reply = await admin.post(TRY, {"litellm_params": {"model": "gpt"}, "mode": "chat"})

    sent = provider.requests[-1]
    assert (200, "success") == (reply.status_code, reply.json()["status"])
    assert "Bearer sk-upstream-canary-secret" == sent.headers["authorization"]
    assert "canary" not in reply.text


async def test_a_deployment_is_found_by_its_id_whatever_a_form_sends_along(
    admin: Admin, provider: Provider
) -> None:
    made = await admin.made("/model/new", **model("gpt", provider.url))
    form = {"model": "openai/fake-model", "api_base": f"{provider.url}/v1", "rpm": 3, "tags": []}

    reply = await admin.post(
        TRY, {"litellm_params": form, "model_info": {"id": made["model_info"]["id"]}}
    )

    assert "success" == reply.json()["status"]
    assert "Bearer sk-upstream-canary-secret" == provider.requests[-1].headers["authorization"]


async def test_what_is_described_is_called_with_what_is_given_and_not_kept(
    admin: Admin, provider: Provider
) -> None:
    params = {"model": "openai/new", "api_base": f"{provider.url}/v1", "api_key": "sk-given-here"}

    reply = await admin.post(TRY, {"litellm_params": params})

    assert "success" == reply.json()["status"]
    assert "Bearer sk-given-here" == provider.requests[-1].headers["authorization"]
    assert [] == (await admin.get("/model/info")).json()["data"]
    assert "sk-given-here" not in reply.text


async def test_a_stored_credential_can_be_tried(admin: Admin, provider: Provider) -> None:
    values = {"api_key": "sk-of-the-credential", "api_base": f"{provider.url}/v1"}
    credential = {"credential_name": "main", "credential_values": values, "credential_info": {}}
    await admin.made("/credentials", **credential)
    params = {"model": "openai/new", "litellm_credential_name": "main"}

    reply = await admin.post(TRY, {"litellm_params": params})

    assert "success" == reply.json()["status"]
    assert "Bearer sk-of-the-credential" == provider.requests[-1].headers["authorization"]


async def test_another_address_gets_no_key_of_the_deployment_there_is(
    admin: Admin, provider: Provider
) -> None:
    await admin.made("/model/new", **model("gpt", "http://127.0.0.1:9"))
    params = {"model": "gpt", "api_base": f"{provider.url}/v1"}

    await admin.post(TRY, {"litellm_params": params})

    seen = [str(sent.headers) for sent in provider.requests]
    assert "canary" not in str(seen)


async def test_a_failure_is_told_without_the_key(admin: Admin, provider: Provider) -> None:
    provider.next(Behaviour(status=401, body=b'{"error":{"message":"bad key sk-given-here"}}'))
    params = {"model": "openai/new", "api_base": f"{provider.url}/v1", "api_key": "sk-given-here"}

    reply = await admin.post(TRY, {"litellm_params": params})

    assert (200, "error") == (reply.status_code, reply.json()["status"])
    assert reply.json()["result"]["error"]
    assert "sk-given-here" not in reply.text


@pytest.mark.parametrize(
    "params",
    [
        {"model": "openai/new", "api_base": "http://169.254.169.254/v1"},
        {"model": "openai/new", "api_base": "http://user@example.com/v1"},
        {"model": "openai/new", "api_base": "file:///etc/passwd"},
        {"model": "openai/new", "api_base": "https://example.com", "api_key": "os.environ/HOME"},
        {"model": "openai/new", "api_key": "ssm:/tollgate/prod/master-key"},
        {"model": "nobody/new"},
        {"model": "openai/*"},
        {"model": 7},
        {},
    ],
)
async def test_what_could_not_be_added_cannot_be_tried(
    lasting: Admin, params: dict[str, object]
) -> None:
    reply = await lasting.post(TRY, {"litellm_params": params})

    assert 400 == error_of(reply)[0]


async def test_on_aws_no_address_of_the_inside_can_be_tried(
    admin: Admin, provider: Provider
) -> None:
    live = admin.state.desk.live
    object.__setattr__(live, "allows_private", False)
    params = {"model": "openai/new", "api_base": f"{provider.url}/v1"}

    reply = await admin.post(TRY, {"litellm_params": params})

    assert (400, []) == (reply.status_code, provider.requests)


async def test_what_health_finds_is_remembered_once_until_it_changes(
    admin: Admin, provider: Provider
) -> None:
    made = await admin.made("/model/new", **model("gpt", provider.url))
    await admin.get("/health")
    await admin.get("/health")
    provider.next(Behaviour(status=500, body=b'{"error":{"message":"broken"}}'))
    await admin.get("/health")

    found = (await admin.get("/health/history", {"model": "gpt"})).json()
    healthy = (await admin.get("/health/history", {"status_filter": "healthy"})).json()
    latest = (await admin.get("/health/latest")).json()

    statuses = [check["status"] for check in found["health_checks"]]
    assert (["unhealthy", "healthy"], 2, 1) == (
        statuses,
        found["total_records"],
        healthy["total_records"],
    )
    newest = latest["latest_health_checks"][made["model_info"]["id"]]
    assert ("unhealthy", 1, 1) == (
        newest["status"],
        newest["unhealthy_count"],
        latest["total_models"],
    )


@pytest.mark.slow
async def test_checks_are_forgotten_after_a_month(admin: Admin, provider: Provider) -> None:
    await admin.made("/model/new", **model("gpt", provider.url))
    admin.sql(
        "insert into litellm_healthchecktable (model_name, status, checked_at) "
        "values ('gone', 'healthy', now() - interval '31 days')"
    )

    await admin.get("/health")

    names = admin.sql("select model_name from litellm_healthchecktable")
    assert [{"model_name": "gpt"}] == names


def alerting(admin: Admin, **addresses: str) -> httpx.AsyncClient:
    """The same app, told where its alerts go."""
    state = replace(admin.state, settings=replace(admin.state.settings, **addresses))  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {admin.state.settings.master_key}"}
    transport = httpx.ASGITransport(make_app(state))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)


@pytest.mark.parametrize(
    ("service", "setting", "field"),
    [("slack", "slack_webhook_url", "text"), ("webhook", "webhook_url", "event_message")],
)
async def test_a_test_alert_reaches_the_channel(
    admin: Admin, provider: Provider, service: str, setting: str, field: str
) -> None:
    await admin.made("/config/update", general_settings={"alerting": [service]})
    provider.next(Behaviour(body=b"ok"))

    async with alerting(admin, **{setting: f"{provider.url}/v1/chat/completions"}) as client:
        reply = await client.get("/health/services", params={"service": service})

    assert (200, "success") == (reply.status_code, reply.json()["status"])
    assert "test alert" in str(provider.requests[-1].json[field])


@pytest.mark.parametrize("service", ["slack", "webhook", "langfuse"])
async def test_a_channel_that_is_not_in_use_is_refused(lasting: Admin, service: str) -> None:
    reply = await lasting.get("/health/services", {"service": service})

    assert (400, "invalid_request_error", "service") == error_of(reply)


async def test_a_request_is_shown_as_its_vendor_would_be_sent_it(
    admin: Admin, provider: Provider
) -> None:
    claude: Any = model("claude", provider.url, model="anthropic/claude-x")
    claude["litellm_params"]["api_base"] = provider.url
    await admin.made("/model/new", **claude)
    body = {"model": "claude", "messages": [{"role": "system", "content": "Be brief."}, *MESSAGES]}

    reply = await admin.post(
        "/utils/transform_request", {"call_type": "completion", "request_body": body}
    )

    raw = reply.json()
    assert "Be brief." in str(raw["raw_request_body"]["system"])
    assert "claude-x" == raw["raw_request_body"]["model"]
    assert f"{provider.url}/v1/messages" == raw["raw_request_api_base"]
    assert "****" == raw["raw_request_headers"]["x-api-key"]
    assert ("canary" in reply.text, provider.requests) == (False, [])


async def test_where_a_deployment_is_and_strangers_models_are_not_shown_to_a_key(
    admin: Admin, provider: Provider
) -> None:
    await admin.made("/model/new", **model("gpt", provider.url))
    await admin.made("/model/new", **model("other", provider.url))
    key = (await admin.given_key(models=["gpt"]))["key"]

    async def ask(name: str) -> httpx.Response:
        body = {"model": name, "messages": MESSAGES}
        sent = {"call_type": "completion", "request_body": body}
        return await admin.post("/utils/transform_request", sent, key=key)

    mine, others = await ask("gpt"), await ask("other")

    assert (200, 403) == (mine.status_code, others.status_code)
    assert provider.url not in mine.text


@pytest.mark.slow
async def test_what_cannot_be_translated_is_refused(admin: Admin, provider: Provider) -> None:
    await admin.made("/model/new", **model("gpt", provider.url))

    unknown = {"call_type": "completion", "request_body": {"model": "nobody"}}
    nameless = {"call_type": "completion", "request_body": {}}
    odd = {"call_type": "whatever", "request_body": {"model": "gpt"}}

    statuses = [
        (await admin.post("/utils/transform_request", body)).status_code
        for body in (unknown, nameless, odd)
    ]
    assert [400, 400, 400] == statuses

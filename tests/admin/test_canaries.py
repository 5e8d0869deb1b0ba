"""Secrets are planted in every field that takes one, and looked for wherever one could come out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from functions.proxy.app import make_app
from shared.admin.permissions import PERMITTED
from shared.auth.directory import Directory
from shared.config.live import LiveConfig
from shared.gateway.gateway import Gateway
from shared.ledger.drain import drain
from shared.storage.stores import Stores
from tests.admin.asking import MASTER_KEY
from tests.gateway.given import model
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.admin.asking import Admin, Json
    from tests.provider import Provider, Received

PROVIDER_KEY = "sk-canary-provider-0001"
CANARIES = {
    "litellm_params.api_key": PROVIDER_KEY,
    "litellm_params.extra_headers": "canary-header-0002",
    "litellm_params.aws_secret_access_key": "canary-aws-0003",
    "credential_values.api_key": "canary-credential-0004",
    "environment_variables": "canary-variable-0005",
    "callback_vars": "canary-callback-0006",
    "metadata.secret": "canary-metadata-0007",
    "key": "sk-canary-virtual-0008",
    "prompt": "canary-prompt-0009",
    "provider's refusal": "canary-refusal-0010",
}
SHOWN_TO_WHOM_SENT_IT = {"metadata.secret"}
"""Metadata is the caller's own text: it is shown again to who may see the row, never logged."""


@dataclass
class Trace:
    """All that came out of the gateway."""

    bodies: list[str] = field(default_factory=list[str])

    async def note(self, reply: httpx.Response) -> httpx.Response:
        self.bodies.append(f"{reply.text} {dict(reply.headers)}")
        return reply


@pytest.fixture
async def gateway(admin: Admin) -> AsyncIterator[httpx.AsyncClient]:
    stores = Stores.open(admin.state.settings)
    live = LiveConfig.over({}, admin.state.settings, stores, {})
    app = make_app(Gateway(admin.state.settings, live.current, stores, Directory(stores), live))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway"
    ) as http:
        yield http
    await stores.close()


async def planted(admin: Admin, provider: Provider, trace: Trace) -> Json:
    """Send every secret to where it belongs; return the virtual key."""
    deployment: Json = model(
        "gpt",
        provider.url,
        api_key=PROVIDER_KEY,
        extra_headers={"x-own": CANARIES["litellm_params.extra_headers"]},
        aws_secret_access_key=CANARIES["litellm_params.aws_secret_access_key"],
    )
    values = {"api_key": CANARIES["credential_values.api_key"]}
    variables = {"MY_SECRET": CANARIES["environment_variables"]}
    metadata = {"secret": CANARIES["metadata.secret"]}
    bodies: list[tuple[str, Json]] = [
        ("/model/new", deployment),
        ("/credentials", {"credential_name": "c", "credential_values": values}),
        ("/config/update", {"environment_variables": variables}),
        ("/team/new", {"team_id": "t", "metadata": metadata}),
        (
            "/team/t/callback",
            {
                "callback_name": "langfuse",
                "callback_vars": {"langfuse_secret_key": CANARIES["callback_vars"]},
            },
        ),
        ("/user/new", {"user_id": "u", "metadata": metadata, "auto_create_key": False}),
        (
            "/key/generate",
            {"key": CANARIES["key"], "team_id": "t", "user_id": "u", "metadata": metadata},
        ),
    ]
    for path, body in bodies:
        reply = await admin.post(path, body)
        # The one answer that tells a key is the one to whoever makes it.
        if path != "/key/generate":
            await trace.note(reply)
    return CANARIES["key"]


async def everything_is_asked(admin: Admin, key: str, trace: Trace) -> None:
    """Read whatever can be read, as the admin and as the key's holder."""
    query = {"key": key, "user_id": "u", "team_id": "t", "config_type": "litellm_settings"}
    query |= {"field_name": "cache", "model": "gpt", "budget_id": "b", "team_ids": "t"}
    parts = {"{team_id}": "t", "{model:path}": "gpt", "{name}": "c"}
    for route in sorted(PERMITTED):
        method, path = route.split(" ")
        for part, name in parts.items():
            path = path.replace(part, name)
        if method == "GET":
            for caller in (MASTER_KEY, key):
                await trace.note(await admin.get(path, query, key=caller))
    await trace.note(await admin.post("/key/block", {"key": key}))
    await trace.note(await admin.post("/key/unblock", {"key": key}))
    await trace.note(await admin.post("/model/new", {"model_name": PROVIDER_KEY}))
    await trace.note(await admin.post("/key/generate", {"key": "sk-canary-virtual-0008", "x": 1}))


async def everything_is_called(
    gateway: httpx.AsyncClient, provider: Provider, key: str, trace: Trace
) -> None:
    """Make calls that succeed, fail, and are refused."""
    body = {
        "model": "gpt",
        "messages": [{"role": "user", "content": CANARIES["prompt"]}],
        "max_tokens": 5,
    }
    headers = {"authorization": f"Bearer {key}"}
    refusal = f'{{"error":{{"message":"bad key {PROVIDER_KEY}"}}}}'.encode()
    for behaviour in (None, Behaviour(status=401, body=refusal)):
        if behaviour is not None:
            provider.next(behaviour)
        await trace.note(await gateway.post("/v1/chat/completions", json=body, headers=headers))
    wrong = {"authorization": f"Bearer {key}x"}
    await trace.note(await gateway.post("/v1/chat/completions", json=body, headers=wrong))
    await trace.note(
        await gateway.post("/v1/chat/completions", json={**body, "model": "none"}, headers=headers)
    )


def seen_upstream(request: Received) -> str:
    """Tell what a provider gets beside its own key, its own header and the prompt."""
    headers = {k: v for k, v in request.headers.items() if k not in ("authorization", "x-own")}
    return str(headers) + request.body.decode().replace(CANARIES["prompt"], "")


def rows_of(admin: Admin) -> str:
    tables = admin.sql(
        "select relname as name from pg_class where relkind in ('r', 'p')"
        " and relnamespace = 'public'::regnamespace"
    )
    return "\n".join(
        str(row["text"])
        for table in tables
        for row in admin.sql(f"select t::text as text from {table['name']} as t")  # noqa: S608 - our own tables
    )


async def redis_of(admin: Admin) -> str:
    redis = admin.state.desk.stores.redis
    names = await redis.execute(["KEYS", "*"])
    readers = {"string": "GET", "hash": "HGETALL", "stream": "XRANGE", "zset": "ZRANGE"}
    found: list[str] = []
    for name in map(str, names if isinstance(names, list) else []):
        reader = readers.get(str(await redis.execute(["TYPE", name])), "GET")
        ends = ["-", "+"] if reader == "XRANGE" else [0, -1] if reader == "ZRANGE" else []
        found.append(f"{name} {await redis.execute([reader, name, *ends])}")
    return "\n".join(found)


async def test_no_secret_comes_out_anywhere(
    admin: Admin,
    gateway: httpx.AsyncClient,
    provider: Provider,
    capfd: pytest.CaptureFixture[str],
) -> None:
    trace = Trace()
    key = await planted(admin, provider, trace)

    await everything_is_called(gateway, provider, key, trace)
    await everything_is_asked(admin, key, trace)
    await drain(admin.state.desk.stores, admin.state.desk.now())

    captured = capfd.readouterr()
    places = {
        "bodies": "\n".join(trace.bodies),
        "logs": captured.out + captured.err,
        "rows": rows_of(admin),
        "redis": await redis_of(admin),
        "upstream": "\n".join(map(seen_upstream, provider.requests)),
    }
    found = {
        (place, name)
        for place, text in places.items()
        for name, canary in (CANARIES | {"master key": MASTER_KEY}).items()
        if canary in text
    }
    told = {
        (place, name) for place in ("bodies", "rows", "redis") for name in SHOWN_TO_WHOM_SENT_IT
    }
    assert set() == found - told
    assert CANARIES["prompt"] in provider.requests[0].body.decode()
    # The canaries were really there: at the provider, and sealed in the row.
    assert f"Bearer {PROVIDER_KEY}" == provider.requests[0].headers["authorization"]
    assert re.search(r"enc:[0-9a-f]{12}:", places["rows"])

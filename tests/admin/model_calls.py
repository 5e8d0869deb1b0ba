"""Models as an admin adds them, and calls of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.admin.asking import MASTER_KEY
from tests.gateway.given import model

if TYPE_CHECKING:
    import httpx

    from tests.admin.asking import Admin, Json
    from tests.provider import Provider


CANARY = "sk-canary-of-a-provider"
HELLO = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 10}


async def chat(gateway: httpx.AsyncClient, name: str) -> int:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    body = {"model": name, **HELLO}
    return (await gateway.post("/v1/chat/completions", json=body, headers=headers)).status_code


def given(provider: Provider, name: str = "new", **info: Json) -> Json:
    entry: Json = model(name, provider.url, api_key=CANARY)
    return {**entry, "model_info": info}


async def send(admin: Admin, method: str, path: str, body: Json = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    return await admin.http.request(method, path, json=body, headers=headers)


async def everything(admin: Admin) -> str:
    """All that Postgres and Redis hold, as one text."""
    found = ""
    for table in ("litellm_proxymodeltable", "litellm_credentialstable", "litellm_config"):
        found += str(admin.sql(f"select * from {table}"))  # noqa: S608 - our own names
    found += str(admin.sql("select * from litellm_auditlog"))
    return found + str(await admin.state.desk.stores.redis.execute(["GET", "config:overlay"]))

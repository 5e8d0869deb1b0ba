"""The whole stack as a newcomer has it: `up`, a key by HTTP, the OpenAI SDK, spend to the cent."""

from __future__ import annotations

import asyncio
import os
import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import openai
import psycopg
import pytest

from shared.auth.keys import hash_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.running import Running

HELLO: Any = [{"role": "user", "content": "Hello"}]
IN_TIME = 2.0
"""Seconds within which spend must be seen (the local ledger drains every second)."""


@pytest.fixture
async def admin(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {running.stack['master_key']}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30) as client:
        yield client


async def new_key(admin: httpx.AsyncClient, **fields: object) -> str:
    reply = await admin.post("/key/generate", json={"models": ["demo"], **fields})
    assert 200 == reply.status_code, reply.text
    return reply.json()["key"]


def sdk(running: Running, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0)


async def test_the_openai_sdk_chats_streams_embeds_and_reads_headers(
    running: Running, admin: httpx.AsyncClient
) -> None:
    key = await new_key(admin)
    async with sdk(running, key) as client:
        chat = await client.chat.completions.create(model="demo", messages=HELLO)
        stream = await client.chat.completions.create(model="demo", messages=HELLO, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        embedded = await client.embeddings.create(model="demo", input=["one", "two"])
        raw = await client.chat.completions.with_raw_response.create(model="demo", messages=HELLO)

    assert chat.choices[0].message.content == "".join(pieces)
    assert len(pieces) > 2
    assert [0, 1] == [item.index for item in embedded.data]
    assert raw.headers["x-request-id"]
    assert Decimal(raw.headers["x-litellm-response-cost"]) > 0


async def test_the_sdk_raises_its_own_errors(running: Running, admin: httpx.AsyncClient) -> None:
    key = await new_key(admin, rpm_limit=1)
    async with sdk(running, key) as client, sdk(running, "sk-nobody-made-this") as nobody:
        await client.chat.completions.create(model="demo", messages=HELLO)

        with pytest.raises(openai.RateLimitError):
            await client.chat.completions.create(model="demo", messages=HELLO)
        with pytest.raises(openai.AuthenticationError):
            await nobody.chat.completions.create(model="demo", messages=HELLO)
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(model="other", messages=HELLO)
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(model="demo", messages=[])


async def test_spend_equals_tokens_times_price_to_the_nanodollar_within_two_seconds(
    running: Running, admin: httpx.AsyncClient
) -> None:
    key = await new_key(admin)
    async with sdk(running, key) as client:
        replies = [
            await client.chat.completions.with_raw_response.create(model="demo", messages=HELLO)
            for _ in range(3)
        ]
    expected = sum(Decimal(reply.headers["x-litellm-response-cost"]) for reply in replies)

    info, logs = await seen_spend(admin, key, rows=3)

    assert expected == Decimal(str(info["info"]["spend"]))
    assert expected == sum(Decimal(str(row["spend"])) for row in logs)
    usages = [reply.parse().usage for reply in replies]
    assert sum(usage.total_tokens for usage in usages if usage) == sum(
        row["total_tokens"] for row in logs
    )


async def seen_spend(
    admin: httpx.AsyncClient, key: str, rows: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the key's info and rows as soon as all are there; they must be in time."""
    async with asyncio.timeout(IN_TIME * 15):  # a busy machine may be slow, the loop may not
        while True:
            logs = (await admin.get("/spend/logs", params={"api_key": key})).json()
            if len(logs) >= rows:
                return (await admin.get("/key/info", params={"key": key})).json(), logs
            await asyncio.sleep(0.05)


async def test_postgres_killed_under_load_loses_and_doubles_nothing(
    own: Running,
) -> None:
    headers = {"authorization": f"Bearer {own.stack['master_key']}"}
    async with httpx.AsyncClient(base_url=own.url, headers=headers, timeout=60) as admin:
        keys = [await new_key(admin, max_budget=100) for _ in range(4)]
        await asyncio.gather(*(calls(own, key, 2) for key in keys))  # all are warm now

        load = [asyncio.create_task(calls(own, key, 60)) for key in keys]
        await asyncio.sleep(0.3)
        os.kill(own.pids["postgres"], signal.SIGKILL)
        served = await asyncio.gather(*load)

        assert [60] * 4 == served
        await quiet(own)
        for key in keys:
            info = (await admin.get("/key/info", params={"key": key})).json()["info"]
            rows = sum_of_rows(own, hash_key(key))
            found = counter(own, f"budget:key:{hash_key(key)}:-")
            assert (62, Decimal(str(info["spend"]))) == rows
            assert (int(rows[1] * 10**9), "0") == (int(found["spent"]), found["reserved"])


async def calls(running: Running, key: str, count: int) -> int:
    """Make that many calls, one after the other; return how many were answered."""
    async with sdk(running, key) as client:
        for _ in range(count):
            await client.chat.completions.create(model="demo", messages=HELLO)
    return count


async def quiet(running: Running) -> None:
    """Wait until Postgres is back and has everything that the ledger held."""
    async with asyncio.timeout(60):
        while running.redis("XLEN", "ledger:0") != {"result": 0}:  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.1)


def counter(running: Running, key: str) -> dict[str, str]:
    reply = running.redis("HGETALL", key)
    assert isinstance(reply, dict)
    words = reply["result"]
    return dict(zip(words[::2], words[1::2], strict=True))


def sum_of_rows(running: Running, token: str) -> tuple[int, Decimal]:
    with psycopg.connect(str(running.stack["database_url"])) as connection:
        found = connection.execute(
            "select count(*), sum(spend) from litellm_spendlogs where api_key = %s", [token]
        ).fetchone()
    assert found is not None
    return found[0], found[1]

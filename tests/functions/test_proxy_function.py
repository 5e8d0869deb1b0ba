"""The proxy as Lambda runs it, on real stores: streamed by our loop, buffered by Lambda's."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.functions.conftest import MASTER_KEY
from tests.functions.http_events import ENTRANCES, rest_api
from tests.functions.runtime_api_emulator import PATIENCE, ROOT, running
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.storage.stores import Stores
    from tests.functions.http_events import Builder, Event
    from tests.functions.runtime_api_emulator import Function
    from tests.provider import Provider

HANDLER = "functions/proxy/handler.handler"
HEADERS = [("Authorization", f"Bearer {MASTER_KEY}"), ("Content-Type", "application/json")]
HELLO = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
async def streaming(environment: dict[str, str]) -> AsyncIterator[Function]:
    async with running(HANDLER, environment, is_streaming=True) as function:
        yield function


def chat(builder: Builder = rest_api, **changes: object) -> Event:
    body = json.dumps({**HELLO, **changes}).encode()
    return builder("POST", "/v1/chat/completions", HEADERS, body)


async def accounts(stores: Stores) -> tuple[object, object]:
    """How many rows wait in the ledger, and how many holds are open."""
    rows = await stores.redis.execute(["XLEN", "ledger:0"])
    return rows, await stores.redis.execute(["ZCARD", "holds:0"])


async def test_chunks_arrive_while_the_provider_still_writes(
    streaming: Function, provider: Provider, stores: Stores
) -> None:
    provider.next(Behaviour(holds=2))

    outcome = await streaming.api.invoke(chat(stream=True))
    prelude = await outcome.prelude()
    first = await outcome.piece()
    provider.release()
    body = await outcome.end()
    await streaming.api.polled(2)

    assert (200, True) == (
        prelude["statusCode"],
        prelude["headers"]["content-type"].startswith("text/event-stream"),
    )
    assert (True, True) == (first.startswith(b"data: {"), body.endswith(b"data: [DONE]\n\n"))
    assert (1, 0) == await accounts(stores)


async def test_a_caller_who_leaves_is_billed_before_the_next_event(
    streaming: Function, provider: Provider, stores: Stores
) -> None:
    provider.next(Behaviour(holds=2))
    outcome = await streaming.api.invoke(chat(stream=True))
    await outcome.prelude()
    await outcome.piece()

    outcome.break_off()

    await streaming.api.polled(2)
    await provider.lost(1)
    assert (1, 0) == await accounts(stores)


async def test_a_call_that_outlives_its_function_is_billed_and_cut(
    streaming: Function, provider: Provider, stores: Stores
) -> None:
    provider.next(Behaviour(holds=2))

    outcome = await streaming.api.invoke(chat(stream=True), seconds=3)
    await outcome.end()
    await streaming.api.polled(2)

    assert "Incomplete" == outcome.error["errorType"]
    assert (1, 0) == await accounts(stores)


async def test_a_refusal_is_a_clean_answer_of_the_stream_too(streaming: Function) -> None:
    outcome = await streaming.api.invoke(chat(model="nothing"))

    prelude, body = await outcome.streamed()
    assert (400, "invalid_request_error", {}) == (
        prelude["statusCode"],
        json.loads(body)["error"]["type"],
        outcome.trailers,
    )


@pytest.mark.parametrize("builder", ENTRANCES.values(), ids=list(ENTRANCES))
async def test_every_buffered_entrance_gets_the_answer(
    environment: dict[str, str], stores: Stores, builder: Builder
) -> None:
    async with running(HANDLER, environment) as function:
        outcome = await function.api.invoke(chat(builder))
        reply = await outcome.reply()
        lines = await function.log_lines()

    assert (200, "gpt") == (reply["statusCode"], json.loads(reply["body"])["model"])
    assert (1, 0) == await accounts(stores)
    [line] = [line for line in lines if line["message"] == "request"]
    assert ("proxy", outcome.request_id, 1) == (
        line["service"],
        line["aws_request_id"],
        line["requests"],
    )
    assert "Hello" not in json.dumps(lines)


async def test_a_weak_master_key_stops_the_start(environment: dict[str, str]) -> None:
    weak = {**environment, "TOLLGATE_MASTER_KEY": "sk-1234"}
    async with running(HANDLER, weak, is_streaming=True) as function:
        told = await asyncio.wait_for(function.api.init_error, PATIENCE)

    assert "SettingsError" == told["errorType"]


def test_a_cold_start_loads_nothing_it_may_not_need(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, functions.proxy.handler; print(*sys.modules)",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    heavy = {"psycopg", "boto3", "botocore", "yaml", "typer", "uvicorn", "fastapi", "openai"}
    assert set() == heavy & set(done.stdout.split())

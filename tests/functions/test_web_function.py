"""The whole gateway as one server process: requests beside one another, and an end in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from functions.proxy.app import make_app as make_proxy
from functions.web.app import Web
from tests.functions.conftest import MASTER_KEY
from tests.functions.runtime_api_emulator import CLOCK, PATIENCE, ROOT
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message, Receive, Scope, Send

    from shared.storage.stores import Stores
    from tests.provider import Provider

AT_ONCE = 40
CONNECTIONS = 2


@dataclass
class Server:
    """A server process on loopback."""

    client: httpx.AsyncClient
    process: asyncio.subprocess.Process

    async def lines(self) -> list[dict[str, object]]:
        """What it logged, once it has ended."""
        written, _ = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        lines = written.decode().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture
async def web(environment: dict[str, str]) -> AsyncIterator[Server]:
    """The web function under uvicorn, which stands where AWS's own server does."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(128)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "uvicorn", "functions.web.main:app", "--lifespan", "on"),
            *("--fd", str(taken.fileno()), "--timeout-graceful-shutdown", "2"),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(taken.fileno(),),
            env={
                "PATH": os.environ["PATH"],
                **CLOCK,
                "STAGE": "test",
                "TOLLGATE_HOST": "web-function",
                "TOLLGATE_POSTGRES_CONNECTIONS": str(CONNECTIONS),
                **environment,
            },
        )
        port = taken.getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield Server(client, process)
    finally:
        if process.returncode is None:
            process.kill()
        with contextlib.suppress(ValueError):  # its output was read already
            await process.communicate()


def chat(words: str, **changes: object) -> dict[str, object]:
    return {"model": "gpt", "messages": [{"role": "user", "content": words}], **changes}


def said(text: str) -> str:
    """The words of an answer, whole or streamed."""
    if not text.startswith("data: "):
        return json.loads(text)["choices"][0]["message"]["content"]
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    deltas = [json.loads(each)["choices"] for each in events if each != "[DONE]"]
    return "".join(choices[0]["delta"].get("content") or "" for choices in deltas if choices)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def keys(web: Server, count: int) -> list[str]:
    async def one() -> str:
        made = await web.client.post("/key/generate", json={}, headers=bearer(MASTER_KEY))
        return made.json()["key"]

    return [await one() for _ in range(count)]


async def accounts(stores: Stores) -> tuple[object, object]:
    rows = await stores.redis.execute(["XLEN", "ledger:0"])
    return rows, await stores.redis.execute(["ZCARD", "holds:0"])


async def test_no_request_sees_another_state(web: Server, stores: Stores) -> None:
    found = await keys(web, 4)

    async def ask(number: int) -> tuple[str, str]:
        answer = await web.client.post(
            "/v1/chat/completions",
            json=chat(f"word-{number}", user=f"user-{number}", stream=number % 2 == 0),
            headers=bearer(found[number % len(found)]),
        )
        return answer.text, answer.headers["x-litellm-call-id"]

    answers = await asyncio.gather(*(ask(number) for number in range(AT_ONCE)))
    web.process.send_signal(signal.SIGTERM)
    lines = [line for line in await web.lines() if line["message"] == "request"]

    assert [f"This is the demo model. You said: word-{n}" for n in range(AT_ONCE)] == [
        said(text) for text, _ in answers
    ]
    assert AT_ONCE == len({call_id for _, call_id in answers})
    assert (AT_ONCE, 0) == await accounts(stores)
    owners = {line["request_id"]: line["key_id"] for line in lines if line.get("model") == "gpt"}
    assert len(found) == len({owners[call_id] for _, call_id in answers})
    assert all(
        owners[answers[number][1]] == owners[answers[number % len(found)][1]]
        for number in range(AT_ONCE)
    )


@pytest.mark.slow
async def test_limits_of_connections_hold_however_many_requests_run(
    web: Server, postgres_dsn: str
) -> None:
    found = await keys(web, 20)  # each is cold in this process's next look at its policy
    most = 0

    async def watch() -> None:
        nonlocal most
        async with await psycopg.AsyncConnection.connect(postgres_dsn, autocommit=True) as watcher:
            while True:
                cursor = await watcher.execute(
                    "select count(*) from pg_stat_activity where application_name = 'tollgate' "
                    "and datname = current_database()"
                )
                row = await cursor.fetchone()
                most = max(most, row[0] if row else 0)

    watching = asyncio.create_task(watch())
    infos = await asyncio.gather(
        *(web.client.get("/key/info", headers=bearer(key)) for key in found for _ in range(3))
    )
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert {200} == {info.status_code for info in infos}
    # The proxy and the management routes keep their stores apart.
    assert 1 <= most <= 2 * CONNECTIONS


async def test_sigterm_settles_what_runs_and_ends_the_process(
    web: Server, provider: Provider, stores: Stores
) -> None:
    provider.next(*[Behaviour(holds=2)] * 3)

    async def begin(stack: contextlib.AsyncExitStack) -> AsyncIterator[bytes]:
        request = web.client.stream(
            "POST", "/v1/chat/completions", json=chat("x", stream=True), headers=bearer(MASTER_KEY)
        )
        answer = await stack.enter_async_context(request)
        pieces = answer.aiter_bytes()  # kept: a dropped one closes its connection
        await anext(pieces)
        return pieces

    async with contextlib.AsyncExitStack() as stack:
        running = [await begin(stack) for _ in range(3)]
        assert (0, 3) == await accounts(stores)

        web.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(web.process.wait(), PATIENCE)
        assert len(running) == 3

    assert (3, 0) == await accounts(stores)


@pytest.mark.slow
async def test_a_caller_who_leaves_is_billed_and_others_go_on(
    web: Server, provider: Provider, stores: Stores
) -> None:
    provider.next(Behaviour(holds=2))
    request = web.client.stream(
        "POST", "/v1/chat/completions", json=chat("x", stream=True), headers=bearer(MASTER_KEY)
    )
    async with request as answer:
        await anext(answer.aiter_bytes())

    await provider.lost(1)
    other = await web.client.post(
        "/v1/chat/completions", json=chat("y"), headers=bearer(MASTER_KEY)
    )

    assert 200 == other.status_code
    web.process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(web.process.wait(), PATIENCE)
    assert (2, 0) == await accounts(stores)


async def test_the_app_is_told_its_deadline_and_to_leave_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("functions.web.app.REQUEST_SECONDS", 2.05)
    heard: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del send
        heard.append(await receive())
        heard.append({"deadline_ms": scope["extensions"]["tollgate"]["deadline_ms"]})

    async def silence() -> Message:
        return await asyncio.get_running_loop().create_future()

    async def ignore(_: Message) -> None:
        raise AssertionError("nothing is sent")

    web = Web(make_proxy(), lambda: app)
    await web(
        {"type": "http", "path": "/key/info", "method": "GET", "headers": []}, silence, ignore
    )

    assert {"type": "http.disconnect"} == heard[0]
    assert heard[1]["deadline_ms"] > 0

"""The management API as Lambda runs it, and the keys it makes in the hands of the proxy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.functions.http_events import ENTRANCES, rest_api
from tests.functions.runtime_api_emulator import running
from tests.functions.test_proxy_function import HANDLER, HEADERS, HELLO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.functions.http_events import Builder
    from tests.functions.runtime_api_emulator import Function

ADMIN = "functions/admin/handler.handler"


@pytest.fixture
async def admin(environment: dict[str, str]) -> AsyncIterator[Function]:
    async with running(ADMIN, environment) as function:
        yield function


async def ask(function: Function, path: str, body: object) -> tuple[int, dict[str, Any]]:
    event = rest_api("POST", path, HEADERS, json.dumps(body).encode())
    reply = await (await function.api.invoke(event)).reply()
    return reply["statusCode"], json.loads(reply["body"])


@pytest.mark.parametrize("builder", ENTRANCES.values(), ids=list(ENTRANCES))
async def test_every_entrance_reaches_the_management_api(admin: Function, builder: Builder) -> None:
    reply = await (await admin.api.invoke(builder("GET", "/health/liveliness"))).reply()

    assert (200, "I'm alive!") == (reply["statusCode"], json.loads(reply["body"]))


async def test_a_key_made_by_one_function_works_and_blocks_in_the_other(
    admin: Function, environment: dict[str, str]
) -> None:
    _, made = await ask(admin, "/key/generate", {"max_budget": 1})
    bearer = [("Authorization", f"Bearer {made['key']}")]
    call = rest_api("POST", "/v1/chat/completions", bearer, json.dumps(HELLO).encode())

    async with running(HANDLER, environment, is_streaming=True) as proxy:
        before, _ = await (await proxy.api.invoke(call)).streamed()
        blocked, _ = await ask(admin, "/key/block", {"key": made["key"]})
        after, _ = await (await proxy.api.invoke(call)).streamed()

    assert (200, 200, 401) == (before["statusCode"], blocked, after["statusCode"])


async def test_bad_input_is_a_400_that_names_the_field(admin: Function) -> None:
    status, body = await ask(admin, "/key/generate", {"max_budget": -1})

    assert (400, "max_budget") == (status, body["error"]["param"])


async def test_the_log_never_holds_a_key(admin: Function) -> None:
    _, made = await ask(admin, "/key/generate", {})
    await ask(admin, "/key/block", {"key": made["key"]})

    lines = json.dumps(await admin.log_lines())
    assert str(made["key"]) not in lines

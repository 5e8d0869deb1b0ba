"""Our runtime loop against the Runtime API: what the caller sees of it, chunk by chunk."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.functions.conftest import SAMPLE
from tests.functions.http_events import (
    ENTRANCES,
    function_url,
    rest_api,
    schedule,
)
from tests.functions.runtime_api_emulator import PATIENCE, running

if TYPE_CHECKING:
    from tests.functions.conftest import Gate
    from tests.functions.http_events import Builder
    from tests.functions.runtime_api_emulator import Function


@pytest.mark.parametrize("builder", ENTRANCES.values(), ids=list(ENTRANCES))
async def test_a_request_comes_through_whole(streaming: Function, builder: Builder) -> None:
    event = builder("POST", "/echo?tag=a&tag=b", [("X-Api-Key", "sk-test")], b"\xff\x00")

    prelude, body = await (await streaming.api.invoke(event)).streamed()

    seen = json.loads(body)
    assert (200, "application/json") == (prelude["statusCode"], prelude["headers"]["content-type"])
    assert ("POST", "/echo", [["tag", "a"], ["tag", "b"]], "ÿ\0") == (
        seen["method"],
        seen["path"],
        seen["query"],
        seen["body"],
    )


async def test_each_chunk_arrives_when_it_is_made(streaming: Function, gate: Gate) -> None:
    event = rest_api("GET", f"/gated?gate={gate.port}")
    invoked = asyncio.create_task(streaming.api.invoke(event))
    await gate.say(b"+")

    outcome = await invoked
    await outcome.prelude()
    pieces = [await outcome.piece()]
    for _ in range(3):
        await gate.say(b"+")
        pieces.append(await outcome.piece())
    await gate.say(b".")
    await outcome.end()

    assert [f"data: {n}\n\n".encode() for n in range(1, 5)] == pieces
    assert {} == outcome.trailers


async def test_repeated_headers_are_lists_and_cookies_come_once(streaming: Function) -> None:
    prelude, _ = await (await streaming.api.invoke(rest_api("GET", "/echo"))).streamed()

    assert {"x-many": ["one", "two"]} == prelude["multiValueHeaders"]
    assert (2, False) == (len(prelude["cookies"]), "set-cookie" in prelude["headers"])
    assert "Zürich" == prelude["headers"]["x-latin"]


async def test_format_2_joins_repeated_headers(streaming: Function) -> None:
    prelude, _ = await (await streaming.api.invoke(function_url("GET", "/echo"))).streamed()

    assert ("one, two", False) == (prelude["headers"]["x-many"], "multiValueHeaders" in prelude)


async def test_binary_goes_out_as_it_is(streaming: Function) -> None:
    _, body = await (await streaming.api.invoke(rest_api("GET", "/binary"))).streamed()

    assert bytes(range(256)) == body


async def test_an_answer_may_be_larger_than_the_buffered_cap(streaming: Function) -> None:
    event = rest_api("GET", "/large?bytes=8000000")

    prelude, body = await (await streaming.api.invoke(event)).streamed()

    assert (200, 8_000_000) == (prelude["statusCode"], len(body))


@pytest.mark.parametrize("path", ["/broken", "/breaks_before_the_first_chunk", "/says_nothing"])
async def test_a_failure_before_the_first_byte_is_a_500(streaming: Function, path: str) -> None:
    outcome = await streaming.api.invoke(rest_api("GET", path))

    prelude, body = await outcome.streamed()
    assert (500, "500", False) == (
        prelude["statusCode"],
        json.loads(body)["error"]["code"],
        b"secret" in body,
    )
    assert {} == outcome.trailers


async def test_a_failure_after_the_first_byte_shows_in_the_trailers(streaming: Function) -> None:
    outcome = await streaming.api.invoke(rest_api("GET", "/breaks_midway"))

    prelude, body = await outcome.streamed()
    assert (200, b"first") == (prelude["statusCode"], body)
    assert "ValueError" == outcome.trailers["lambda-runtime-function-error-type"]
    assert {
        "errorType": "ValueError",
        "errorMessage": "The answer broke off.",
        "stackTrace": [],
    } == outcome.error


@pytest.mark.parametrize(
    "event",
    [schedule(), {}, [], None, b"{", b'{"path": "\\ud800"}', b"\xff"],
    ids=["a schedule", "empty", "a list", "null", "no JSON", "a lone surrogate", "no text"],
)
async def test_an_event_that_is_no_request_is_a_clean_400(
    streaming: Function,
    event: object,
) -> None:
    prelude, body = await (await streaming.api.invoke(event)).streamed()

    assert (400, "invalid_request_error") == (
        prelude["statusCode"],
        json.loads(body)["error"]["type"],
    )


async def test_work_after_the_last_byte_ends_before_the_next_event(
    streaming: Function,
    gate: Gate,
) -> None:
    polls = streaming.api.polls
    outcome = await streaming.api.invoke(rest_api("GET", f"/works_on?gate={gate.port}"))

    answered = await outcome.end()
    polls_while_working = streaming.api.polls
    await gate.say(b"+")

    assert answered.endswith(b'"answered"')
    assert (b"", polls) == (await gate.hear(), polls_while_working)
    await streaming.api.polled(polls + 1)


async def test_what_an_app_leaves_running_ends_before_the_next_event(
    streaming: Function,
    gate: Gate,
) -> None:
    polls = streaming.api.polls
    event = rest_api("GET", f"/works_on?in_task=1&gate={gate.port}")
    outcome = await streaming.api.invoke(event)

    await outcome.end()
    polls_while_working = streaming.api.polls
    await gate.say(b"+")

    assert (b"", polls) == (await gate.hear(), polls_while_working)
    await streaming.api.polled(polls + 1)


async def test_the_app_sees_the_client_leave_when_the_connection_breaks(
    streaming: Function,
    gate: Gate,
) -> None:
    polls = streaming.api.polls
    event = rest_api("GET", f"/gated?gate={gate.port}")
    invoked = asyncio.create_task(streaming.api.invoke(event))
    await gate.say(b"+")
    outcome = await invoked

    outcome.break_off()

    assert b"over\n" == await gate.hear()
    await streaming.api.polled(polls + 1)


async def test_a_slow_reader_that_leaves_does_not_hang_the_process(streaming: Function) -> None:
    polls = streaming.api.polls
    outcome = await streaming.api.invoke(rest_api("GET", "/floods"))
    outcome.stop_reading()

    outcome.break_off()

    await streaming.api.polled(polls + 1)


async def test_at_the_deadline_the_app_can_still_settle_and_the_stream_is_cut(
    streaming: Function,
    gate: Gate,
) -> None:
    event = rest_api("GET", f"/gated?gate={gate.port}")
    invoked = asyncio.create_task(streaming.api.invoke(event, seconds=2.2))
    await gate.say(b"+")
    outcome = await invoked

    assert b"over\n" == await gate.hear()
    await outcome.end()
    assert "Incomplete" == outcome.error["errorType"]


async def test_the_app_knows_its_deadline_and_trace(streaming: Function) -> None:
    outcome = await streaming.api.invoke(rest_api("GET", "/echo"))

    _, body = await outcome.streamed()

    seen = json.loads(body)
    assert outcome.deadline_ms == seen["deadline_ms"]
    assert f"Root=1-{outcome.request_id};Sampled=0" == seen["trace"]


async def test_a_weak_master_key_stops_the_start_with_a_clear_line() -> None:
    async with running(SAMPLE, {"TOLLGATE_MASTER_KEY": "sk-1234"}, is_streaming=True) as function:
        told = await function.api.init_error
        await function.process.wait()
        [line] = await function.log_lines()

    assert (1, "SettingsError", "init_failed") == (
        function.process.returncode,
        told["errorType"],
        line["message"],
    )
    assert told["errorMessage"].startswith("TOLLGATE_MASTER_KEY is weak; use 20 or more random")
    assert line["reason"] == told["errorMessage"]


async def test_log_lines_are_json_and_name_their_invocation() -> None:
    async with running(SAMPLE, is_streaming=True) as function:
        outcomes = [await function.api.invoke(rest_api("GET", "/broken")) for _ in range(2)]
        for outcome in outcomes:
            await outcome.end()
        lines = await function.log_lines()

    assert 1 == len([line for line in lines if line["message"] == "cold_start"])
    assert [outcome.request_id for outcome in outcomes] == [
        line["aws_request_id"] for line in lines if line["message"] == "unexpected"
    ]


async def test_a_copy_of_a_snapshot_drops_what_was_the_originals() -> None:
    snapshot = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    async with running(SAMPLE, snapshot, is_streaming=True) as function:
        _, body = await (await function.api.invoke(rest_api("GET", "/echo"))).streamed()

    assert (1, ["restored"]) == (function.api.snapshots, json.loads(body)["restores"])


async def test_a_copy_of_a_snapshot_that_cannot_go_on_says_so_and_ends() -> None:
    snapshot = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "RESTORE_FAILS": "1"}
    async with running(SAMPLE, snapshot, is_streaming=True) as function:
        told = await asyncio.wait_for(function.api.restore_error, PATIENCE)
        await asyncio.wait_for(function.process.wait(), PATIENCE)

    assert ("OSError", False) == (told["errorType"], function.process.returncode == 0)

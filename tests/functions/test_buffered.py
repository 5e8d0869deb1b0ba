"""The real Lambda runtime client over our handler: every entrance, and no event that raises."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.runtime import process
from tests.functions.conftest import SAMPLE
from tests.functions.http_events import (
    ENTRANCES,
    function_url,
    http_api,
    load_balancer,
    rest_api,
    schedule,
)
from tests.functions.runtime_api_emulator import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.functions.conftest import Gate
    from tests.functions.http_events import Builder, Event
    from tests.functions.runtime_api_emulator import Function


@pytest.fixture(params=ENTRANCES.values(), ids=list(ENTRANCES))
def entrance(request: pytest.FixtureRequest) -> Builder:
    return request.param


def header(reply: Event, name: str) -> list[str]:
    many = (reply.get("multiValueHeaders") or {}).get(name)
    return many or [(reply.get("headers") or {})[name]]


async def test_a_request_comes_through_whole(buffered: Function, entrance: Builder) -> None:
    event = entrance(
        "POST",
        "/echo?tag=a&tag=b%20c",
        [("X-Api-Key", "sk-test"), ("Content-Type", "application/json")],
        b'{"n": "\xc3\xbc"}',
    )

    reply = await (await buffered.api.invoke(event)).reply()

    seen = json.loads(reply["body"])
    assert (200, "POST", "/echo", "192.0.2.1") == (
        reply["statusCode"],
        seen["method"],
        seen["path"],
        seen["client"],
    )
    assert [["tag", "a"], ["tag", "b c"]] == seen["query"]
    assert ["x-api-key", "sk-test"] in seen["headers"]
    assert '{"n": "Ã¼"}' == seen["body"]


@pytest.mark.parametrize("builder", [rest_api, load_balancer])
async def test_repeated_request_headers_stay_apart(buffered: Function, builder: Builder) -> None:
    event = builder("GET", "/echo", [("X-Tag", "one"), ("X-Tag", "two")])

    reply = await (await buffered.api.invoke(event)).reply()

    seen = json.loads(reply["body"])["headers"]
    assert [["x-tag", "one"], ["x-tag", "two"]] == [h for h in seen if h[0] == "x-tag"]


async def test_request_cookies_of_format_2_arrive_as_one_header(buffered: Function) -> None:
    event = http_api("GET", "/echo", [("cookie", "a=1"), ("cookie", "b=2")])

    reply = await (await buffered.api.invoke(event)).reply()

    assert ["cookie", "a=1; b=2"] in json.loads(reply["body"])["headers"]


@pytest.mark.parametrize("builder", [rest_api, load_balancer])
async def test_repeated_reply_headers_are_lists_where_the_entrance_has_them(
    buffered: Function,
    builder: Builder,
) -> None:
    reply = await (await buffered.api.invoke(builder("GET", "/echo"))).reply()

    many = reply["multiValueHeaders"]
    assert (["one", "two"], 2) == (many["x-many"], len(many["set-cookie"]))


@pytest.mark.parametrize("builder", [http_api, function_url])
async def test_format_2_joins_repeated_headers_and_lists_cookies(
    buffered: Function,
    builder: Builder,
) -> None:
    reply = await (await buffered.api.invoke(builder("GET", "/echo"))).reply()

    assert ("one,two", 2) == (reply["headers"]["x-many"], len(reply["cookies"]))


async def test_a_latin_1_header_survives(buffered: Function, entrance: Builder) -> None:
    reply = await (await buffered.api.invoke(entrance("GET", "/echo"))).reply()

    assert ["Zürich"] == header(reply, "x-latin")


async def test_binary_goes_out_as_base64(buffered: Function, entrance: Builder) -> None:
    reply = await (await buffered.api.invoke(entrance("GET", "/binary"))).reply()

    assert (True, bytes(range(256))) == (reply["isBase64Encoded"], base64.b64decode(reply["body"]))


async def test_the_stage_of_an_http_api_is_no_part_of_the_path(buffered: Function) -> None:
    event = http_api("GET", "/echo", stage="prod")

    reply = await (await buffered.api.invoke(event)).reply()

    assert "/echo" == json.loads(reply["body"])["path"]


async def test_the_app_knows_its_deadline_and_keeps_its_loop(buffered: Function) -> None:
    replies = [
        json.loads((await (await buffered.api.invoke(rest_api("GET", "/echo"))).reply())["body"])
        for _ in range(2)
    ]

    assert [True, True] == [seen["deadline_ms"] > 1_700_000_000_000 for seen in replies]
    assert replies[0]["loop"] == replies[1]["loop"]


async def test_an_unexpected_failure_is_a_500_without_internals(
    buffered: Function,
    entrance: Builder,
) -> None:
    reply = await (await buffered.api.invoke(entrance("GET", "/broken"))).reply()

    assert (500, "internal_server_error", False) == (
        reply["statusCode"],
        json.loads(reply["body"])["error"]["type"],
        "secret" in reply["body"],
    )


@pytest.mark.parametrize("path", ["/breaks_midway", "/breaks_before_the_first_chunk"])
async def test_a_broken_stream_is_a_500_because_nobody_saw_its_start(
    buffered: Function,
    path: str,
) -> None:
    reply = await (await buffered.api.invoke(rest_api("GET", path))).reply()

    assert (500, "500") == (reply["statusCode"], json.loads(reply["body"])["error"]["code"])


@pytest.mark.parametrize(("size", "status"), [(3_000_000, 200), (4_000_000, 500)])
async def test_an_answer_lambda_would_refuse_is_a_clean_500(
    buffered: Function,
    size: int,
    status: int,
) -> None:
    reply = await (await buffered.api.invoke(rest_api("GET", f"/large?bytes={size}"))).reply()

    assert status == reply["statusCode"]


async def test_what_an_app_leaves_running_ends_within_the_invocation(
    buffered: Function,
    gate: Gate,
) -> None:
    polls = buffered.api.polls
    event = rest_api("GET", f"/works_on?in_task=1&gate={gate.port}")
    invoked = asyncio.create_task(buffered.api.invoke(event))

    await gate.say(b"+")
    await (await invoked).end()

    assert b"" == await gate.hear()
    await buffered.api.polled(polls + 1)


def changed(event: Event, **changes: object) -> Event:
    return {**event, **changes}


MALFORMED = {
    "not even an object": [],
    "nothing": None,
    "a string": "hello",
    "an empty object": {},
    "a schedule": schedule(),
    "a queue": {"Records": [{"body": "x", "eventSource": "aws:sqs"}]},
    "CloudFront": {"Records": [{"cf": {"request": {}}}]},
    "a websocket": {"requestContext": {"connectionId": "c", "eventType": "MESSAGE"}},
    "an odd context": {"requestContext": [], "resource": "/"},
    "an unknown version": changed(http_api("GET", "/echo"), version="3.0"),
    "no method": {k: v for k, v in rest_api("GET", "/echo").items() if k != "httpMethod"},
    "a method that is a list": changed(rest_api("GET", "/echo"), httpMethod=["GET"]),
    "a method with a space": changed(rest_api("GET", "/echo"), httpMethod="GET /x"),
    "no path": {k: v for k, v in rest_api("GET", "/echo").items() if k != "path"},
    "a path that is a number": changed(rest_api("GET", "/echo"), path=7),
    "no http": changed(http_api("GET", "/echo"), requestContext={"stage": "$default"}),
    "a host that is none": changed(
        http_api("GET", "/echo"),
        headers={"host": "localhost:4000/#@x"},
    ),
    "a port that is none": rest_api("GET", "/echo", [("X-Forwarded-Port", "x")]),
    "invalid base64": changed(rest_api("POST", "/echo"), body="a", isBase64Encoded=True),
    "a body that is an object": changed(rest_api("POST", "/echo"), body={"a": 1}),
    "a lone surrogate": changed(rest_api("POST", "/echo"), body="\ud800"),
    "a header with a line end": rest_api("GET", "/echo", [("X-A", "a\r\nX-B: b")]),
    "a header with NUL": load_balancer("GET", "/echo", [("X-A", "a\0b")]),
    "a header that is a number": changed(http_api("GET", "/echo"), headers={"x-a": 1}),
    "a header's name with a space": changed(http_api("GET", "/echo"), headers={"x a": "1"}),
    "a cookie that is a number": changed(http_api("GET", "/echo"), cookies=[1]),
}


@pytest.mark.parametrize("event", MALFORMED.values(), ids=list(MALFORMED))
async def test_a_malformed_event_is_a_clean_400(buffered: Function, event: object) -> None:
    outcome = await buffered.api.invoke(event)

    reply = await outcome.reply()
    assert ("response", 400, "invalid_request_error") == (
        outcome.kind,
        reply["statusCode"],
        json.loads(reply["body"])["error"]["type"],
    )


async def test_a_weak_master_key_stops_the_start_with_a_clear_line() -> None:
    async with running(SAMPLE, {"TOLLGATE_MASTER_KEY": "sk-1234"}) as function:
        told = await function.api.init_error

    assert ("SettingsError", True) == (
        told["errorType"],
        told["errorMessage"].startswith("TOLLGATE_MASTER_KEY is weak; use 20 or more random"),
    )


async def test_a_process_counts_one_cold_start_and_logs_json() -> None:
    async with running(SAMPLE) as function:
        for _ in range(3):
            await (await function.api.invoke(rest_api("GET", "/broken"))).end()
        lines = await function.log_lines()

    [cold] = [line for line in lines if line["message"] == "cold_start"]
    assert (1, "sample", "test") == (cold["cold_starts"], cold["service"], cold["stage"])
    assert 3 == len({line["aws_request_id"] for line in lines})


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[object], Event]]:
    monkeypatch.setenv("TOLLGATE_MASTER_KEY", "sk-a-master-key-of-more-than-20")
    from tests.functions.sample_handler import handler  # noqa: PLC0415 - reads the environment

    yield lambda event: handler(event, None)
    process._loop().close()
    process._loop.cache_clear()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_no_change_of_an_event_makes_the_handler_raise(
    in_this_process: Callable[[object], Event],
) -> None:
    builders = list(ENTRANCES.values())

    @settings(max_examples=300, deadline=None)
    @given(data=st.data())
    def fuzz(data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(builders))("POST", "/echo", [("X-A", "b")], b"{}")
        target = data.draw(st.sampled_from([event, event["requestContext"]]))
        name = data.draw(st.sampled_from(sorted(target)))
        if data.draw(st.booleans()):
            target[name] = data.draw(JSON_VALUES)
        else:
            del target[name]

        reply = in_this_process(event)

        assert reply["statusCode"] in {200, 400, 404, 405}
        json.dumps(reply)

    fuzz()

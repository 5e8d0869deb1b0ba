"""What the log may say, what CloudWatch reads out of it, and that requests do not mix."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from shared import observability
from shared.errors import RedisDown
from shared.observability import RequestLine, bind, log, measure, request_line

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-tollgate-abcdefgh12345678"


@pytest.fixture(autouse=True)
def process() -> Iterator[None]:
    observability.configure(service="proxy", stage="test", with_metrics=True)
    yield
    observability.configure(service="tollgate", stage="local", with_metrics=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def a_line(**changes: object) -> RequestLine:
    fields: dict[str, Any] = {"route": "/v1/models", "status": 200, "total_ms": 3.0}
    return RequestLine(**{**fields, "overhead_ms": 1.5, **changes})


def test_an_event_is_one_json_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    log.info("reply", model="gpt-4o", nanodollars=12)

    [line] = lines(capsys)
    assert ("INFO", "reply", "proxy", "gpt-4o", 12) == (
        line["level"],
        line["message"],
        line["service"],
        line["model"],
        line["nanodollars"],
    )


@pytest.mark.parametrize(
    "name",
    ["authorization", "api_key", "x-api-key", "master_key", "redis_token", "prompt", "messages"],
)
def test_a_field_named_like_a_secret_is_dropped(
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.info("x", **{name: "v", "inner": {name: "v", "kept": 1}})

    [line] = lines(capsys)
    assert (False, {"kept": 1}) == (name in line, line["inner"])


def test_token_counts_are_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    log.info("x", prompt_tokens=3, completion_tokens=4)

    assert [(3, 4)] == [(x["prompt_tokens"], x["completion_tokens"]) for x in lines(capsys)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (f"key={KEY}", "key=sk-[redacted]"),
        ([f"Bearer {KEY}"], ["Bearer [redacted]"]),
        ("Bearer abc.def", "Bearer [redacted]"),
        ("postgres://user:pw@host/db", "postgres://[redacted]@host/db"),
        ("sk-...abcd", "sk-...abcd"),
        ("task-12345678", "task-12345678"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
    ],
)
def test_a_value_that_looks_like_a_secret_is_refused(
    value: object,
    shown: object,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.warning("x", said=value)

    [line] = lines(capsys)
    assert shown == line["said"]


@pytest.mark.parametrize("value", [10**40, "\ud800", object(), float("nan"), b"\xff", {1: 2}])
def test_no_value_makes_a_line_raise(value: object, capsys: pytest.CaptureFixture[str]) -> None:
    log.info("x", value=value)

    assert ["x"] == [line["message"] for line in lines(capsys)]


@pytest.mark.parametrize("name", ["name", "args", "message", "level", "exc_info", "event"])
def test_no_field_name_makes_a_line_raise(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.info("x", **{name: "y"})

    assert 1 == len(lines(capsys))


def test_an_exceptions_message_is_told_only_when_code_wrote_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quoting = ValueError("invalid input: my prompt")
    quoting.__cause__ = RedisDown("Redis did not answer within 250 ms")

    log.exception("failed", quoting)

    [line] = lines(capsys)
    assert ("ValueError", False) == (line["exception_name"], "exception" in line)
    assert "Redis did not answer within 250 ms" == line["cause"]["exception"]


def test_a_request_is_counted_timed_and_priced(capsys: pytest.CaptureFixture[str]) -> None:
    request_line(a_line(nanodollars=2_500_000_000, steps={"auth": 0.25}))

    [line] = lines(capsys)
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert (1, 1.5, 2.5, 0.25) == (
        line["requests"],
        line["overhead_ms"],
        line["cost"],
        line["auth_ms"],
    )
    assert [["stage", "service"]] == directive["Dimensions"]
    assert {"requests", "overhead_ms", "cost"} == {m["Name"] for m in directive["Metrics"]}


def test_a_refusal_is_also_counted_by_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    request_line(a_line(status=429, refusal="throttling_error"))

    [line] = lines(capsys)
    _, by_kind = line["_aws"]["CloudWatchMetrics"]
    assert (1, "throttling_error") == (line["refusals"], line["kind"])
    assert ([["stage", "service", "kind"]], ["refusals"]) == (
        by_kind["Dimensions"],
        [metric["Name"] for metric in by_kind["Metrics"]],
    )


def test_a_server_error_is_a_failure_and_no_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    request_line(a_line(status=502))

    [line] = lines(capsys)
    assert (1, False) == (line["failures"], "refusals" in line)


def test_every_value_of_a_metric_has_its_field_and_unit(capsys: pytest.CaptureFixture[str]) -> None:
    measure("ledger", dict.fromkeys(observability.UNITS, 7.0))

    [line] = lines(capsys)
    described = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    assert observability.UNITS == {metric["Name"]: metric["Unit"] for metric in described}
    assert {7.0} == {line[metric["Name"]] for metric in described}


def test_without_metrics_the_line_stays_and_the_blob_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    observability.configure(service="proxy", stage="local", with_metrics=False)

    request_line(a_line())

    [line] = lines(capsys)
    assert (1, False) == (line["requests"], "_aws" in line)


async def test_concurrent_requests_do_not_mix_their_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def request(number: int) -> None:
        bind(request_id=f"r{number}")
        await asyncio.sleep(0)
        request_line(a_line(status=429, refusal=f"kind{number}", request_id=f"r{number}"))
        await asyncio.sleep(0)
        log.info("after", number=number)

    await asyncio.gather(*(asyncio.create_task(request(n)) for n in range(50)))

    told = lines(capsys)
    assert {(f"r{n}", f"kind{n}") for n in range(50)} == {
        (line["request_id"], line["kind"]) for line in told if "kind" in line
    }
    assert {f"r{n}": n for n in range(50)} == {
        line["request_id"]: line["number"] for line in told if "number" in line
    }

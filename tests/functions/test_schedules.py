"""Schedules under the real Lambda runtime client: every step runs, a failure is seen."""

from __future__ import annotations

from tests.functions.http_events import schedule
from tests.functions.runtime_api_emulator import running

SAMPLE = "tests/functions/sample_schedule"


async def test_a_steps_report_is_logged_and_its_metrics_counted() -> None:
    async with running(f"{SAMPLE}.good") as function:
        outcome = await function.api.invoke(schedule())
        await outcome.end()
        lines = await function.log_lines()

    drained = [line for line in lines if line["message"] == "drain"]
    assert ("response", [(3, 0)]) == (
        outcome.kind,
        [(line["drain_booked"], line["drain_waiting"]) for line in drained],
    )
    [directive] = drained[0]["_aws"]["CloudWatchMetrics"]
    assert [{"Name": "drain_waiting", "Unit": "Count"}] == directive["Metrics"]


async def test_a_failed_step_stops_no_other_and_raises_in_the_end() -> None:
    async with running(f"{SAMPLE}.bad") as function:
        outcome = await function.api.invoke(schedule())
        error = await outcome.reply()
        lines = await function.log_lines()

    assert ("error", "StepsFailed", "fail") == (
        outcome.kind,
        error["errorType"],
        error["errorMessage"],
    )
    [failed] = [line for line in lines if "failed_steps" in line]
    assert ("fail", 1, True) == (
        failed["kind"],
        failed["failed_steps"],
        "drain" in {line["message"] for line in lines},
    )
    assert not any("tenant" in str(line) for line in lines)


async def test_a_step_that_hangs_is_ended_before_lambda_would() -> None:
    async with running(f"{SAMPLE}.hanging") as function:
        outcome = await function.api.invoke(schedule(), seconds=2.5)
        error = await outcome.reply()

    assert ("StepsFailed", "hang") == (error["errorType"], error["errorMessage"])


async def test_one_process_serves_many_schedules() -> None:
    async with running(f"{SAMPLE}.good") as function:
        kinds = [(await function.api.invoke(schedule())).kind for _ in range(3)]

    assert ["response"] * 3 == kinds

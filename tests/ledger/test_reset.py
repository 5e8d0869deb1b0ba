"""Due budgets start afresh once, in any order with the drain, whoever runs the job."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shared.domain import Millis, Scope
from shared.ledger import reset as resetting
from shared.ledger.drain import drain
from shared.ledger.reset import ResetReport, reset
from shared.limits.periods import period
from shared.storage.columns import millis, moment
from shared.storage.stores import Stores
from tests.ledger.rows import SINCE, a_row, append, column

if TYPE_CHECKING:
    import psycopg

    from shared.settings import Settings


def at(text: str) -> Millis:
    return millis(datetime.fromisoformat(text).replace(tzinfo=UTC))


PERIODIC = (Scope.KEY, Scope.USER, Scope.TEAM)
MIDNIGHT = at("2026-11-24T00:00")
NOW = at("2026-11-24T00:00:05")
NEXT = at("2026-11-25T00:00")
DECEMBER = at("2026-12-01T00:00")


def given_due(
    direct: psycopg.Connection, *, duration: str | None = "1d", reset_at: Millis = MIDNIGHT
) -> None:
    values = (duration, moment(reset_at))
    direct.execute(
        "update litellm_verificationtoken set budget_duration = %s, budget_reset_at = %s", values
    )
    direct.execute(
        "update litellm_usertable set budget_duration = %s, budget_reset_at = %s", values
    )
    direct.execute(
        "update litellm_teamtable set budget_duration = %s, budget_reset_at = %s", values
    )


def reset_times(direct: psycopg.Connection) -> set[int | None]:
    rows = direct.execute(
        "select budget_reset_at from policy where scope in ('key', 'user', 'team')"
    )
    return {millis(reset_at) for (reset_at,) in rows}


async def test_nothing_is_due_without_a_time(stores: Stores, direct: psycopg.Connection) -> None:
    assert {None} == reset_times(direct)

    assert ResetReport(keys=0, users=0, teams=0) == await reset(stores, NOW)


@pytest.mark.parametrize("scope", PERIODIC)
async def test_a_due_budget_starts_afresh(
    stores: Stores, direct: psycopg.Connection, scope: Scope
) -> None:
    given_due(direct)

    report = await reset(stores, NOW)

    assert ResetReport(keys=1, users=1, teams=1) == report
    assert (0, 0, MIDNIGHT) == column(direct, scope)
    assert {NEXT} == reset_times(direct)


async def test_a_budget_that_is_not_due_is_left(stores: Stores, direct: psycopg.Connection) -> None:
    given_due(direct, reset_at=Millis(NOW + 1))

    assert ResetReport(keys=0, users=0, teams=0) == await reset(stores, NOW)
    assert 1_000_000_000 == column(direct, Scope.KEY)[0]


async def test_missed_resets_are_one(stores: Stores, direct: psycopg.Connection) -> None:
    given_due(direct, reset_at=at("2026-11-03T00:00"))

    report = await reset(stores, NOW)

    assert 1 == report.teams
    assert (0, 0, MIDNIGHT) == column(direct, Scope.TEAM)


async def test_a_second_run_changes_nothing(stores: Stores, direct: psycopg.Connection) -> None:
    given_due(direct)
    await reset(stores, NOW)
    direct.execute("update litellm_usertable set spend = 3")

    report = await reset(stores, NOW)

    assert ResetReport(keys=0, users=0, teams=0) == report
    assert 3_000_000_000 == column(direct, Scope.USER)[0]


async def test_the_configured_timezone_and_time_of_day_count(
    stores: Stores, direct: psycopg.Connection
) -> None:
    given_due(direct, duration="30d", reset_at=at("2026-11-01T05:00"))

    await reset(stores, NOW, timezone="America/New_York", reset_time="06:00")

    assert {at("2026-12-01T11:00")} == reset_times(direct)


@pytest.mark.parametrize("duration", [None, "never", "2mo", ""])
async def test_a_duration_nobody_can_read_is_a_budget_without_end(
    stores: Stores, direct: psycopg.Connection, duration: str | None
) -> None:
    given_due(direct, duration=duration)

    await reset(stores, NOW)

    assert (1_000_000_000, 250_000_000, SINCE) == column(direct, Scope.KEY)
    assert {None} == reset_times(direct)


async def test_many_due_budgets_are_reset_in_chunks(
    stores: Stores, direct: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resetting, "CHUNK", 10)
    given_due(direct)
    direct.execute(
        """
        insert into litellm_usertable
            (user_id, spend, budget_started_at, budget_duration, budget_reset_at)
        select 'u' || n, 1, %s, '1d', %s from generate_series(1, 25) as n
        """,
        (moment(SINCE), moment(MIDNIGHT)),
    )

    report = await reset(stores, NOW)

    left = direct.execute("select count(*) from litellm_usertable where spend > 0")
    assert (26, [(0,)]) == (report.users, left.fetchall())


async def test_jobs_at_once_reset_each_budget_once(
    settings: Settings, direct: psycopg.Connection
) -> None:
    given_due(direct)

    async with AsyncExitStack() as stack:
        jobs = [Stores.open(settings) for _ in range(6)]
        for job in jobs:
            stack.push_async_callback(job.close)
        reports = await asyncio.gather(*(reset(job, NOW) for job in jobs))

    assert (1, 1, 1) == (
        sum(report.keys for report in reports),
        sum(report.users for report in reports),
        sum(report.teams for report in reports),
    )


@pytest.mark.parametrize("is_job_first", [True, False], ids=["job first", "drain first"])
@pytest.mark.parametrize("scope", PERIODIC)
async def test_job_and_drain_agree_in_either_order(
    stores: Stores, direct: psycopg.Connection, scope: Scope, *, is_job_first: bool
) -> None:
    given_due(direct)
    await append(stores, a_row(5, since=SINCE), a_row(7, since=MIDNIGHT))
    jobs = [reset, drain] if is_job_first else [drain, reset]

    for job in jobs:
        await job(stores, NOW)

    assert (7, 0, MIDNIGHT) == column(direct, scope)
    assert {NEXT} == reset_times(direct)


async def test_the_rule_gives_the_same_period_before_and_after_the_job(
    stores: Stores, direct: psycopg.Connection
) -> None:
    given_due(direct, duration="30d", reset_at=at("2026-11-01T00:00"))
    before = period("30d", SINCE, at("2026-11-01T00:00"), NOW)

    await reset(stores, NOW)

    started_at = column(direct, Scope.TEAM)[2]
    assert before == period("30d", Millis(started_at), DECEMBER, NOW)
    assert {DECEMBER} == reset_times(direct)

"""Journal lines become ledger rows, once, whatever else happened to their requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest
import typer.testing

from local.cli import app
from shared.auth.directory import Directory
from shared.config.loading import valid_config
from shared.domain import Millis, Nanodollars
from shared.gateway.booking import book
from shared.gateway.gateway import Gateway
from shared.ledger.drain import drain
from shared.ledger.partitions import keep_partitions
from shared.ledger.reconcile import reconcile
from shared.ledger.replay import ReplayReport, replay
from shared.ledger.sweep import sweep
from shared.spend.ids import correction_id
from shared.storage.plans import Settlement
from shared.storage.spend_rows import JOURNAL
from shared.storage.spend_rows import book as book_rows
from tests.ledger.rows import NOON, SINCE, a_row, balanced, books
from tests.ledger.test_reconcile import KNOWN, TEAM, call
from tests.storage.given import counter, given_counter, given_hold, given_overdue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psycopg

    from local.door.server import DoorThread
    from shared.settings import Settings
    from shared.storage.spend_rows import SpendRow
    from shared.storage.stores import Stores


def line(row: SpendRow) -> bytes:
    return orjson.dumps(
        {
            "level": "ERROR",
            "message": JOURNAL,
            "id": row.id,
            "spend": str(row.spend),
            "prompt_tokens": row.prompt_tokens,
            "completion_tokens": row.completion_tokens,
            "row": orjson.dumps(row.details).decode(),
        }
    )


def all_booked(count: int) -> ReplayReport:
    return ReplayReport(read=count, booked=count, known=0, refused=())


async def test_rows_are_booked_and_other_lines_passed_over(
    stores: Stores, direct: psycopg.Connection
) -> None:
    lines = [b"START RequestId: 1", line(a_row(5)), b'{"message":"request"}', line(a_row(7)), b""]

    report = await replay(stores, lines)

    assert all_booked(2) == report
    assert balanced(2, 12) == books(direct)


async def test_replaying_again_changes_nothing(stores: Stores, direct: psycopg.Connection) -> None:
    lines = [line(a_row(5)), line(a_row(7))]
    await replay(stores, lines)

    report = await replay(stores, [*lines, *lines])

    assert ReplayReport(read=4, booked=0, known=4, refused=()) == report
    assert balanced(2, 12) == books(direct)


@pytest.mark.parametrize(
    "around",
    [
        lambda text: b"2026-11-24T12:00:00.000Z\t" + text,
        lambda text: orjson.dumps({"timestamp": 1, "message": text.decode()}),
        lambda text: orjson.dumps({"message": "2026-11-24 ERROR " + text.decode()}),
    ],
)
async def test_what_log_tools_put_around_a_line_is_taken_off(
    stores: Stores, direct: psycopg.Connection, around: Callable[[bytes], bytes]
) -> None:
    report = await replay(stores, [around(line(a_row(5)))])

    assert all_booked(1) == report
    assert balanced(1, 5) == books(direct)


async def test_a_line_that_is_no_row_is_refused_with_its_number(
    stores: Stores, direct: psycopg.Connection
) -> None:
    whole = line(a_row(5))
    lines = [whole[:80], whole, orjson.dumps({"message": JOURNAL, "id": "x"}), b"SPEND_JOURNAL"]

    report = await replay(stores, lines)

    assert ["line 1", "line 3", "line 4"] == [each[:6] for each in report.refused]
    assert (4, 1) == (report.read, report.booked)
    assert balanced(1, 5) == books(direct)


async def test_a_row_that_postgres_refuses_keeps_no_other_from_being_booked(
    stores: Stores, direct: psycopg.Connection
) -> None:
    report = await replay(stores, [line(a_row(10**30)), line(a_row(5))])

    assert (1, 1) == (report.booked, len(report.refused))
    assert balanced(1, 5) == books(direct)


async def test_a_request_that_was_lost_meanwhile_costs_what_it_cost(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await given_counter(stores.redis, TEAM, spent=KNOWN, since=SINCE)
    row = a_row(20)
    await given_overdue(stores.redis, await given_hold(stores.redis, call(row, 50)))
    await sweep(stores, NOON)
    await drain(stores, NOON)

    reports = [await replay(stores, [line(row)]) for _ in range(2)]
    await reconcile(stores, NOON)

    assert [1, 0] == [report.booked for report in reports]
    assert balanced(2, 20) == books(direct)
    assert (SINCE, KNOWN + 20, 0) == await counter(stores.redis, TEAM)


async def test_a_row_of_a_month_that_was_dropped_is_refused(
    stores: Stores, direct: psycopg.Connection
) -> None:
    old = a_row(5)
    await keep_partitions(stores, NOON)
    await book_rows(stores.postgres, [old])
    await keep_partitions(stores, Millis(NOON + 100 * 86_400_000), kept="30d")

    report = await replay(stores, [line(old)])

    assert (0, 1) == (report.booked, len(report.refused))
    assert "dropped" in report.refused[0]
    assert 0 == books(direct)[0]


async def test_what_the_gateway_writes_when_no_store_answers_is_what_is_read(
    stores: Stores,
    direct: psycopg.Connection,
    door: DoorThread,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = a_row(20)
    settlement = Settlement(
        cost=Nanodollars(20),
        prompt_tokens=10,
        completion_tokens=5,
        row=orjson.dumps(row.details).decode(),
        correction_id=correction_id(row.id),
        outcome=None,
    )
    door.faults.add("status_500", times=None)
    alone = _without_postgres(settings)
    nowhere = type(stores).open(alone)
    gateway = Gateway(alone, valid_config({}, {}), nowhere, Directory(nowhere))
    await book(gateway, call(row), settlement)
    await gateway.close()

    report = await replay(stores, capsys.readouterr().out.encode().splitlines())

    assert all_booked(1) == report
    assert balanced(1, 20) == books(direct)


def _without_postgres(settings: Settings) -> Settings:
    return replace(settings, database_url="postgresql://nobody@127.0.0.1:1/nothing")


def test_the_command_reads_a_file_or_standard_input(
    postgres_dsn: str,
    direct: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOLLGATE_MASTER_KEY", "sk-master")
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    row = line(a_row(5)) + b"\n"
    (tmp_path / "log").write_bytes(row)
    runner = typer.testing.CliRunner()

    first = runner.invoke(app, ["replay-journal", str(tmp_path / "log")])
    second = runner.invoke(app, ["replay-journal", "-"], input=row)

    assert ("1 rows: 1 booked, 0 known already.\n", 0) == (first.stdout, first.exit_code)
    assert ("1 rows: 0 booked, 1 known already.\n", 0) == (second.stdout, second.exit_code)
    assert balanced(1, 5) == books(direct)

"""Rows are booked once, with the columns of whoever bears them and the day's rollups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, LiteralString
from uuid import UUID

import pytest

from shared.domain import Millis, Nanodollars, Scope
from shared.spend.ids import uuid7
from shared.storage.failures import StatementFailed
from shared.storage.spend_rows import (
    Booked,
    NoSpendRow,
    Parked,
    SpendRow,
    book,
    booked,
    move_position,
    park,
    position,
    take_turn,
)
from tests.ledger.rows import NOON, SINCE, a_row, column

if TYPE_CHECKING:
    import psycopg

    from shared.domain import JsonObject
    from shared.storage.postgres import Postgres

BEFORE = 1_000_000_000
OPENING = 250_000_000
SPEND = 1_000_000_007

ROLLUPS: dict[str, LiteralString] = {
    "user": "select user_id, spend::text from litellm_dailyuserspend order by 1",
    "team": "select team_id, spend::text from litellm_dailyteamspend order by 1",
    "organization": (
        "select organization_id, spend::text from litellm_dailyorganizationspend order by 1"
    ),
    "end user": "select end_user_id, spend::text from litellm_dailyenduserspend order by 1",
    "tag": "select tag, spend::text from litellm_dailytagspend order by 1",
}


def count(direct: psycopg.Connection) -> object:
    row = direct.execute("select count(*) from litellm_spendlogs").fetchone()
    assert row is not None
    return row[0]


async def test_a_rows_columns_are_its_fields(
    database: Postgres, direct: psycopg.Connection
) -> None:
    details: JsonObject = {
        "request_id": "r",
        "call_type": "acompletion",
        "api_key": "k0",
        "model": "gpt-4o",
        "model_group": "fast",
        "model_id": "d1",
        "custom_llm_provider": "openai",
        "api_base": "https://api.openai.com/v1",
        "user": "u",
        "team_id": "t",
        "organization_id": "o",
        "end_user": "e",
        "end_ms": NOON + 1_500,
        "completion_start_ms": NOON + 300,
        "metadata": {"status": "failure", "attempts": 2},
        "cache_hit": True,
        "cache_key": "c",
        "request_tags": ["a", "b"],
        "requester_ip": "192.0.2.7",
        "since": {"key": SINCE, "user": SINCE, "team": None},
    }
    row = SpendRow(uuid7(NOON), Nanodollars(-3), 10, 5, details)

    await book(database, [row])

    found = direct.execute(
        """
        select id, request_id, call_type, api_key, spend::text, total_tokens, prompt_tokens,
               completion_tokens, start_time = '2026-11-24T12:00:00Z',
               end_time = '2026-11-24T12:00:01.5Z',
               completion_start_time = '2026-11-24T12:00:00.3Z', model, model_group, model_id,
               custom_llm_provider, api_base, "user", team_id, organization_id, end_user, metadata,
               status, cache_hit, cache_key, request_tags, requester_ip_address, since
        from litellm_spendlogs
        """
    ).fetchall()
    expected = [
        *(UUID(row.id), "r", "acompletion", "k0", "-0.000000003", 15, 10, 5, True, True, True),
        *("gpt-4o", "fast", "d1", "openai", "https://api.openai.com/v1", "u", "t", "o", "e"),
        *({"status": "failure", "attempts": 2}, "failure", True, "c", ["a", "b"], "192.0.2.7"),
        {"key": SINCE, "user": SINCE, "team": None},
    ]
    assert [tuple(expected)] == found


async def test_booking_tells_what_was_new(database: Postgres) -> None:
    old, new = a_row(5), a_row(7)
    await book(database, [old])

    assert Booked(1, Nanodollars(7)) == await book(database, [old, new])


async def test_a_row_booked_twice_counts_once(
    database: Postgres, direct: psycopg.Connection
) -> None:
    row = a_row(SPEND)

    await book(database, [row, row])
    await book(database, [row])

    assert (1, BEFORE + SPEND) == (count(direct), column(direct, Scope.KEY)[0])
    assert [("u", "1.000000007")] == direct.execute(ROLLUPS["user"]).fetchall()


@pytest.mark.parametrize(
    ("rollup", "expected"),
    [
        ("user", [("u", "0.000000012"), (None, "0.000000001")]),
        ("team", [("t", "0.000000012")]),
        ("organization", [("o", "0.000000005")]),
        ("end user", [("e", "0.000000007")]),
        ("tag", [("a", "0.000000012"), ("b", "0.000000007")]),
    ],
)
async def test_rollups_add_up_by_whom_the_rows_name(
    database: Postgres,
    direct: psycopg.Connection,
    rollup: str,
    expected: list[tuple[str | None, str]],
) -> None:
    await book(
        database,
        [
            a_row(5, end_user=None, request_tags=["a"]),
            a_row(7, organization_id=None, request_tags=["a", "b", "b"]),
            a_row(1, user=None, team_id=None, organization_id=None, end_user=None, request_tags=[]),
        ],
    )

    assert expected == direct.execute(ROLLUPS[rollup]).fetchall()


async def test_a_rollup_counts_requests_and_tokens_by_day_in_utc(
    database: Postgres, direct: psycopg.Connection
) -> None:
    midnight = NOON + 12 * 3600 * 1000
    usage: JsonObject = {"cache_read_input_tokens": 4, "cache_creation_input_tokens": 3}
    await book(database, [a_row(at=Millis(midnight - 1)), a_row(at=Millis(midnight))])
    await book(
        database,
        [
            a_row(metadata={"status": "success", "additional_usage_values": usage}),
            a_row(metadata={"status": "failure"}),
            a_row(metadata={"status": "lost"}),
        ],
    )

    rows = direct.execute(
        """
        select date::text, api_key, model, model_group, custom_llm_provider, prompt_tokens,
               completion_tokens, cache_read_input_tokens, cache_creation_input_tokens,
               api_requests, successful_requests, failed_requests
        from litellm_dailyuserspend order by date
        """
    ).fetchall()
    assert [
        ("2026-11-24", "k0", "gpt-4o", "fast", "openai", 40, 20, 4, 3, 4, 2, 2),
        ("2026-11-25", "k0", "gpt-4o", "fast", "openai", 10, 5, 0, 0, 1, 1, 0),
    ] == rows


async def test_the_correction_of_a_request_is_no_request(
    database: Postgres, direct: psycopg.Connection
) -> None:
    lost = a_row(metadata={"status": "lost"})

    await book(database, [lost, replace(a_row(-5), corrects=lost.id)])

    rows = direct.execute(
        """
        select api_requests, successful_requests, failed_requests, spend::text
        from litellm_dailyuserspend
        """
    )
    assert [(1, 0, 1, "1.000000002")] == rows.fetchall()


@pytest.mark.parametrize(
    ("row", "sqlstate"),
    [
        (a_row(metadata={"status": "success", "note": "a\0b"}), "22P05"),
        (a_row(10**18), "23514"),
        (a_row(10**40), "22003"),
        (replace(a_row(), prompt_tokens=2**40), "22003"),
        (a_row(model=None, api_key=None), "23502"),
        (a_row(model="".join(uuid7(NOON) for _ in range(500))), "54000"),
        (a_row(end_ms=10**18), "22008"),
        (a_row(-3_000_000_000), "23514"),
    ],
    ids=[
        "nul",
        "fortune",
        "money",
        "tokens",
        "no key",
        "too long for an index",
        "time",
        "negative column",
    ],
)
async def test_a_row_postgres_refuses_takes_its_batch_with_it(
    database: Postgres, direct: psycopg.Connection, row: SpendRow, sqlstate: str
) -> None:
    with pytest.raises(StatementFailed) as refusal:
        await book(database, [a_row(), row])

    assert (sqlstate, 0) == (refusal.value.sqlstate, count(direct))


@pytest.mark.parametrize(
    "row",
    [
        a_row(metadata={"status": "lost", "note": "a\0b"}),
        a_row(
            metadata={"status": "lost", "additional_usage_values": {"cache_read_input_tokens": "x"}}
        ),
        a_row(metadata={"status": "lost"}, request_tags=["a\0"]),
        a_row(metadata={"status": "lost"}, model="".join(uuid7(NOON) for _ in range(500))),
    ],
    ids=["nul", "no number", "tag", "too long for an index"],
)
async def test_a_bare_row_says_who_spent_how_much(
    database: Postgres, direct: psycopg.Connection, row: SpendRow
) -> None:
    await book(database, [row.bare()])

    rows = direct.execute("select api_key, spend::text, status, metadata from litellm_spendlogs")
    assert [("k0", "1.000000007", "lost", {"status": "lost", "bare": True})] == rows.fetchall()
    assert BEFORE + SPEND == column(direct, Scope.TEAM)[0]


def test_a_row_is_read_from_a_stream_entry() -> None:
    fields = {
        "id": "019A0000-0000-7000-8000-000000000001",
        "spend": "-5",
        "prompt_tokens": "1",
        "completion_tokens": "2",
        "budgets": "\n",
        "row": '{"api_key":"k"}',
        "corrects": "x",
    }

    row = SpendRow.parse(fields)

    id_ = "019a0000-0000-7000-8000-000000000001"
    assert SpendRow(id_, Nanodollars(-5), 1, 2, {"api_key": "k"}, "x") == row


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "7"},
        {"spend": "1.5"},
        {"prompt_tokens": "NaN"},
        {"row": "{"},
        {"row": "[]"},
        {"row": '{"a":"\ud800"}'},
        {"spend": "9" * 5000},
    ],
    ids=["id", "spend", "tokens", "no json", "no object", "no text", "endless"],
)
def test_an_entry_that_is_no_row_is_told(broken: dict[str, str]) -> None:
    whole = {
        "id": uuid7(NOON),
        "spend": "1",
        "prompt_tokens": "1",
        "completion_tokens": "1",
        "row": "{}",
    }

    with pytest.raises(NoSpendRow):
        SpendRow.parse({**whole, **broken})


def test_an_empty_entry_is_no_row() -> None:
    with pytest.raises(NoSpendRow):
        SpendRow.parse({})


async def test_booked_tells_the_cost_of_those_that_are(database: Postgres) -> None:
    row = a_row(SPEND)
    await book(database, [row])

    found = await booked(database, [row.id, uuid7(NOON), "no id at all"])

    assert {row.id: SPEND} == found


async def test_the_position_moves_on_and_never_back(database: Postgres) -> None:
    seen = [await position(database, 0)]

    for stream_id in ("9-9", "10-1", "9-99", "10-0", "10-2"):
        await move_position(database, 0, stream_id)
        seen.append(await position(database, 0))

    assert ["0-0", "9-9", "10-1", "10-1", "10-1", "10-2"] == seen


async def test_a_shard_has_one_drain_at_a_time(database: Postgres) -> None:
    async with database.transaction() as one, database.transaction() as other:
        turns = [await take_turn(one, 0), await take_turn(other, 0), await take_turn(other, 1)]

    assert [True, False, True] == turns


async def test_a_turn_ends_with_its_transaction(database: Postgres) -> None:
    async with database.transaction() as one:
        await take_turn(one, 0)

    async with database.transaction() as other:
        assert await take_turn(other, 0)


async def test_an_entry_is_parked_once(database: Postgres, direct: psycopg.Connection) -> None:
    entry = Parked("7-1", b"\x00\xffraw", "22P05", is_booked=True)

    await park(database, 0, entry)
    await park(database, 0, entry)

    rows = direct.execute(
        "select stream_id, entry, sqlstate, is_booked from litellm_parkedspendlogs"
    )
    assert [("7-1", b"\x00\xffraw", "22P05", True)] == rows.fetchall()

"""Builders of ledger rows, and what the database made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString, cast

import orjson

from shared.domain import Json, JsonObject, Millis, Nanodollars, Scope
from shared.spend.ids import uuid7
from shared.storage.admission import LEDGER
from shared.storage.columns import millis, moment, nanodollars
from shared.storage.spend_rows import SpendRow

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    import psycopg

    from shared.storage.stores import Stores

NOON = Millis(1_795_521_600_000)
"""2026-11-24T12:00:00Z"""

SINCE = Millis(1_793_491_200_123)
"""2026-11-01T00:00:00.123Z, where the periods of the builders' entities start."""

COLUMNS: dict[Scope, LiteralString] = {
    Scope.KEY: """
        select spend, budget_opening, budget_started_at
        from litellm_verificationtoken where token = %s
        """,
    Scope.USER: """
        select spend, budget_opening, budget_started_at
        from litellm_usertable where user_id = %s
        """,
    Scope.TEAM: """
        select spend, budget_opening, budget_started_at
        from litellm_teamtable where team_id = %s
        """,
    Scope.TEAM_MEMBER: """
        select spend, budget_opening, budget_started_at
        from litellm_teammembership where team_id || '/' || user_id = %s
        """,
    Scope.ORG: """
        select spend, budget_opening, budget_started_at
        from litellm_organizationtable where organization_id = %s
        """,
    Scope.END_USER: """
        select spend, budget_opening, budget_started_at
        from litellm_endusertable where user_id = %s
        """,
    Scope.TAG: """
        select spend, budget_opening, budget_started_at
        from litellm_tagtable where tag_name = %s
        """,
}


ENTITIES = {
    Scope.KEY: "k0",
    Scope.USER: "u",
    Scope.TEAM: "t",
    Scope.TEAM_MEMBER: "t/u",
    Scope.ORG: "o",
    Scope.END_USER: "e",
    Scope.TAG: "g",
}


def given_entities(direct: psycopg.Connection, *, keys: int = 1) -> None:
    """Make team t, user u and their keys k0, k1 …, organization o, end user e and tag g.

    Each has spent 1 dollar, 0.25 of it its opening.
    """
    values = {"started": moment(SINCE), "keys": keys}
    direct.execute(
        """
        insert into litellm_teamtable (team_id, spend, budget_opening, budget_started_at)
        values ('t', 1, 0.25, %(started)s)
        """,
        values,
    )
    direct.execute(
        """
        insert into litellm_usertable (user_id, spend, budget_opening, budget_started_at)
        values ('u', 1, 0.25, %(started)s)
        """,
        values,
    )
    direct.execute("insert into litellm_budgettable (budget_id) values ('b')")
    others: tuple[LiteralString, ...] = (
        "litellm_teammembership (team_id, user_id, {}) values ('t', 'u', {})",
        "litellm_organizationtable (organization_id, {}) values ('o', {})",
        "litellm_endusertable (user_id, budget_id, {}) values ('e', 'b', {})",
        "litellm_tagtable (tag_name, budget_id, {}) values ('g', 'b', {})",
    )
    for other in others:
        direct.execute(
            "insert into "
            + other.format("spend, budget_opening, budget_started_at", "1, 0.25, %(started)s"),
            values,
        )
    direct.execute(
        """
        insert into litellm_verificationtoken
            (token, user_id, team_id, spend, budget_opening, budget_started_at)
        select 'k' || n, 'u', 't', 1, 0.25, %(started)s
        from generate_series(0, %(keys)s - 1) as n
        """,
        values,
    )


def a_row(
    spend: int = 1_000_000_007, *, at: Millis = NOON, since: int | None = SINCE, **details: Json
) -> SpendRow:
    """Build a row of key k0, its user and its team."""
    columns: JsonObject = {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "api_key": "k0",
        "model": "gpt-4o",
        "model_group": "fast",
        "custom_llm_provider": "openai",
        "user": "u",
        "team_id": "t",
        "end_ms": at + 250,
        "metadata": {"status": "success"},
        "organization_id": "o",
        "end_user": "e",
        "request_tags": ["g"],
        "since": {
            **dict.fromkeys(("key", "user", "team", "team_member", "org", "end_user"), since),
            "tag": {"g": since},
        },
        **details,
    }
    return SpendRow(uuid7(at), Nanodollars(spend), 10, 5, columns)


def column(direct: psycopg.Connection, scope: Scope) -> tuple[int, int, int]:
    """Return spend, opening and start of the period of k0, u, t …"""
    entity_id = ENTITIES[scope]
    row = direct.execute(COLUMNS[scope], (entity_id,)).fetchone()
    assert row is not None
    spend, opening, started_at = cast("tuple[Decimal, Decimal, datetime]", row)
    return nanodollars(spend), nanodollars(opening), millis(started_at)


async def append(stores: Stores, *rows: SpendRow) -> None:
    """Put rows on the stream, as settle does."""
    for row in rows:
        fields = {
            "id": row.id,
            "spend": str(row.spend),
            "prompt_tokens": str(row.prompt_tokens),
            "completion_tokens": str(row.completion_tokens),
            "budgets": "\n",
            "row": orjson.dumps(row.details).decode(),
        }
        words = [word for pair in fields.items() for word in pair]
        await stores.redis.execute(["XADD", LEDGER, "*", *words])


def books(direct: psycopg.Connection) -> tuple[int, int, int, int, int, int]:
    """Return the ledger's rows, then its sum by row, key columns, user, team and rollup.

    In nanodollars, without what the entities had spent before.
    """
    row = direct.execute(
        """
        select
            (select count(*) from litellm_spendlogs),
            (select coalesce(sum(spend), 0) from litellm_spendlogs),
            (select sum(spend - 1) from litellm_verificationtoken),
            (select sum(spend - 1) from litellm_usertable),
            (select sum(spend - 1) from litellm_teamtable),
            (select coalesce(sum(spend), 0) from litellm_dailyuserspend)
        """
    ).fetchone()
    assert row is not None
    count, *sums = cast("tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]", row)
    by_row, by_key, by_user, by_team, by_day = (nanodollars(amount) for amount in sums)
    return count, by_row, by_key, by_user, by_team, by_day


def balanced(count: int, spend: int) -> tuple[int, int, int, int, int, int]:
    """Return what `books` says when every one of `count` rows is everywhere exactly once."""
    return count, spend, spend, spend, spend, spend

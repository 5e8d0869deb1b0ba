"""How Postgres plans the statements of reports and pages for a big and busy ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
import pytest

from shared.storage import spend_reports, statements

if TYPE_CHECKING:
    from tests.admin.asking import Admin


NOT_REPORTS = {"key_names", "team_names", "key_ids", "team_ids", "user_ids"}


@pytest.mark.slow
async def test_with_a_million_rows_no_report_scans_the_ledger(admin: Admin) -> None:
    """Every statement of reports and pages, as Postgres plans it for a big and busy ledger."""
    fill_ledger(admin)

    big = {
        row["relname"]
        for row in admin.sql(
            "select relname from pg_class where reltuples > 1000 and relkind = 'r'"
        )
    }
    scanned = [
        (statement.splitlines()[-1], node["Relation Name"])
        for statement, params in statements_of_pages() + statements_of_reports()
        for node in plan_nodes(admin, statement, params)
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in big
    ]

    assert any(name.startswith("litellm_spendlogs_") for name in big)
    assert [] == scanned


def fill_ledger(admin: Admin) -> None:
    admin.sql("select tollgate_add_partitions(1, now() - interval '1 month')")
    admin.sql(
        "insert into litellm_spendlogs (id, request_id, call_type, api_key, spend, model, status,"
        ' start_time, "user", team_id, request_tags)'
        " select tollgate_uuid7(at), 'r' || n, 'acompletion', 'k' || n %% 1000, 0.001,"
        " 'm' || n %% 9, 'success', at, 'u' || n %% 5000, 't' || n %% 200, array['tag' || n %% 50]"
        " from generate_series(1, 1000000) as n,"
        " lateral (select now() - n * interval '2 seconds' as at) as moment"
    )
    admin.sql("analyze litellm_spendlogs")


def statements_of_pages() -> list[tuple[str, dict[str, object]]]:
    end = datetime.now(UTC) + timedelta(days=1)
    page: dict[str, object] = {
        "start_date": end - timedelta(days=31),
        "end_date": end,
        **dict.fromkeys(["api_key", "user_id", "team_id", "request_id", "end_user", "model"]),
        **dict.fromkeys(["session_id", "model_id", "model_group", "key_alias", "search"]),
        **dict.fromkeys(["status", "error_code", "is_cache_hit", "min_spend", "max_spend"]),
    }
    pages = [
        {**page, **filters}
        for filters in (
            {},
            {"api_key": "k7"},
            {"user_id": "u7"},
            {"team_id": "t7"},
            {"request_id": "r7"},
        )
    ]
    logs = statements.load("spend_logs")
    some: dict[str, object] = {"size": 50, "skip": 0, "cap": 10_000}
    by_spend = {"sort_by": "spend", "direction": -1}
    return [
        *(
            (logs["page_spend_logs"], {**each, **some, "is_oldest_first": is_oldest_first})
            for each in pages
            for is_oldest_first in (False, True)
        ),
        *((logs["sorted_spend_logs"], {**each, **some, **by_spend}) for each in pages),
        *((logs["count_spend_logs"], {**each, "cap": 10_000}) for each in pages),
    ]


def statements_of_reports() -> list[tuple[str, dict[str, object]]]:
    end = datetime.now(UTC) + timedelta(days=1)
    reports = {
        "kind": "user",
        "first_day": end.date() - timedelta(days=31),
        "last_day": end.date(),
        "entity_ids": None,
        "excluded_ids": None,
        "api_key": None,
        "model": None,
        "split": "model",
        "size": 100,
        "team_ids": ["t7"],
        "user_id": None,
        "models": None,
        "key_aliases": None,
    }
    return [
        (spend_reports._SQL[name], reports)
        for name in spend_reports._SQL
        if name not in NOT_REPORTS
    ]


def plan_nodes(admin: Admin, statement: str, params: dict[str, object]) -> list[dict[str, Any]]:
    with psycopg.connect(admin.dsn, autocommit=True) as connection:
        found = connection.execute(
            b"explain (format json) " + statement.encode(), params
        ).fetchone()
    assert found is not None
    plan = found[0] if isinstance(found[0], list) else orjson.loads(found[0])

    def walk(node: dict[str, Any]) -> list[dict[str, Any]]:
        return [node, *(inner for each in node.get("Plans", []) for inner in walk(each))]

    return walk(plan[0]["Plan"])

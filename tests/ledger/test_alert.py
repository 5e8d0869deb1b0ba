"""Budgets that press are told once, to everybody who is to hear of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain import Millis, Nanodollars
from shared.ledger.alert import AlertReport, alert
from shared.storage.budget_alerts import ProxyBudget
from tests.ledger.rows import NOON
from tests.provider import Behaviour

if TYPE_CHECKING:
    import psycopg

    from shared.storage.stores import Stores
    from tests.provider import Provider

TEAM_IS_OVER = "update litellm_teamtable set max_budget = 0.5"
FINE = Behaviour(body=b"{}")


@pytest.fixture
def hook(provider: Provider) -> dict[str, str]:
    provider.next(*[FINE] * 50)
    return {"webhook": f"{provider.url}/hook"}


def told(provider: Provider, path: str = "/hook") -> list[Any]:
    return [each.json for each in provider.requests if each.path == path]


async def test_a_spent_budget_is_told_once_a_period(
    stores: Stores, direct: psycopg.Connection, provider: Provider, hook: dict[str, str]
) -> None:
    direct.execute(TEAM_IS_OVER)

    reports = [await alert(stores, NOON, hook) for _ in range(3)]

    assert [AlertReport(1, 1, 0), AlertReport(), AlertReport()] == reports
    (body,) = told(provider)
    assert ("budget_crossed", "team", "t", 1.0, 0.5) == (
        body["event"],
        body["event_group"],
        body["team_id"],
        body["spend"],
        body["max_budget"],
    )


async def test_the_next_period_and_another_limit_are_told_anew(
    stores: Stores, direct: psycopg.Connection, provider: Provider, hook: dict[str, str]
) -> None:
    for change in (
        TEAM_IS_OVER,
        "update litellm_teamtable set max_budget = 0.75",
        "update litellm_teamtable set budget_started_at = budget_started_at + interval '1 day'",
    ):
        direct.execute(change.encode())
        await alert(stores, NOON, hook)

    assert [0.5, 0.75, 0.75] == [body["max_budget"] for body in told(provider)]


async def test_several_runs_at_once_tell_once(
    stores: Stores, direct: psycopg.Connection, provider: Provider, hook: dict[str, str]
) -> None:
    direct.execute(TEAM_IS_OVER)
    direct.execute("update litellm_usertable set soft_budget = 0.5")

    await asyncio.gather(*(alert(stores, NOON, hook) for _ in range(5)))

    assert ["team", "user"] == sorted(body["event_group"] for body in told(provider))


async def test_slack_and_webhook_each_hear_of_it(
    stores: Stores, direct: psycopg.Connection, provider: Provider, hook: dict[str, str]
) -> None:
    direct.execute(TEAM_IS_OVER)

    await alert(stores, NOON, {**hook, "slack": f"{provider.url}/slack"})

    (text,) = told(provider, "/slack")
    assert {"text"} == text.keys()
    assert "Team Budget: Budget Crossed" in text["text"]
    assert 1 == len(told(provider))


async def test_whoever_was_not_reached_is_tried_again_and_nobody_else(
    stores: Stores, direct: psycopg.Connection, provider: Provider
) -> None:
    direct.execute(TEAM_IS_OVER)
    provider.next(FINE, *[FINE] * 5)
    channels = {"webhook": f"{provider.url}/hook", "slack": "http://127.0.0.1:1/slack"}
    first = await alert(stores, NOON, channels)
    direct.execute("update litellm_budgetalert set claimed_at = claimed_at - interval '1 hour'")

    second = await alert(stores, NOON, {**channels, "slack": f"{provider.url}/slack"})

    assert [AlertReport(1, 0, 1), AlertReport(0, 1, 0)] == [first, second]
    assert (1, 1) == (len(told(provider)), len(told(provider, "/slack")))


async def test_a_hook_that_fails_is_no_failure_of_the_ledger(
    stores: Stores, direct: psycopg.Connection, provider: Provider
) -> None:
    direct.execute(TEAM_IS_OVER)
    provider.next(Behaviour(status=500))

    report = await alert(stores, NOON, {"webhook": f"{provider.url}/hook"})

    assert AlertReport(1, 0, 1) == report


async def test_limits_of_a_linked_budget_row_count(
    stores: Stores, direct: psycopg.Connection, provider: Provider, hook: dict[str, str]
) -> None:
    direct.execute("update litellm_budgettable set max_budget = 0.5, soft_budget = 0.1")

    await alert(stores, NOON, hook)

    found = sorted((body["event_group"], body["event"]) for body in told(provider))
    assert [
        (group, event)
        for group in ("end_user", "tag")
        for event in ("budget_crossed", "soft_budget_crossed")
    ] == found


async def test_the_proxys_budget_is_told_too(
    stores: Stores, direct: psycopg.Connection, provider: Provider, hook: dict[str, str]
) -> None:
    direct.execute(
        "insert into budget_window (scope, entity_id, name, spend, budget_started_at)"
        " values ('proxy', 'proxy', '1d', 9, to_timestamp(%s / 1000.0))",
        [NOON - 3_600_000],
    )
    proxy = ProxyBudget(Nanodollars(10 * 10**9), "1d", Millis(NOON + 3_600_000))

    await alert(stores, NOON, hook, proxy)

    assert [("proxy", "projected_limit_exceeded"), ("proxy", "threshold_crossed")] == sorted(
        (body["event_group"], body["event"]) for body in told(provider)
    )


async def test_those_that_were_told_long_since_keep_nobody_from_being_told(
    stores: Stores,
    direct: psycopg.Connection,
    provider: Provider,
    hook: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.ledger.alert.MOST", 1)
    direct.execute("update litellm_verificationtoken set max_budget = 0.5")
    await alert(stores, NOON, hook)
    direct.execute(TEAM_IS_OVER)

    await alert(stores, NOON, hook)

    assert ["key", "team"] == [body["event_group"] for body in told(provider)]


async def test_nobody_to_tell_is_no_work(stores: Stores, direct: psycopg.Connection) -> None:
    direct.execute(TEAM_IS_OVER)

    assert AlertReport() == await alert(stores, NOON, {})
    assert [(0,)] == direct.execute("select count(*) from litellm_budgetalert").fetchall()


async def test_a_budget_that_is_due_to_start_afresh_is_not_told(
    stores: Stores, direct: psycopg.Connection, hook: dict[str, str]
) -> None:
    direct.execute(TEAM_IS_OVER)
    direct.execute("update litellm_teamtable set budget_reset_at = '2026-11-24'")

    assert AlertReport() == await alert(stores, NOON, hook)

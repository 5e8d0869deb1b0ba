"""The ledger and the resets as Lambda runs them: EventBridge's events, real stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.functions.http_events import schedule
from tests.functions.runtime_api_emulator import running
from tests.functions.test_proxy_function import HANDLER, accounts, chat

if TYPE_CHECKING:
    from shared.storage.stores import Stores

LEDGER = "functions/ledger/handler.handler"
RESETS = "functions/resets/handler.handler"


async def test_the_ledger_books_what_the_proxy_settled(
    environment: dict[str, str], stores: Stores
) -> None:
    async with running(HANDLER, environment) as proxy:
        await (await proxy.api.invoke(chat())).end()
    before = await accounts(stores)

    async with running(LEDGER, environment) as ledger:
        outcome = await ledger.api.invoke(schedule("ledger"))
        await outcome.end()
        lines = await ledger.log_lines()

    booked = await stores.postgres.one("select count(*) as rows from litellm_spendlogs")
    assert ("response", (1, 0), (0, 0), {"rows": 1}) == (
        outcome.kind,
        before,
        await accounts(stores),
        booked,
    )
    told = {line["message"]: line for line in lines}
    assert {
        "cold_start",
        "drain",
        "sweep",
        "reconcile",
        "republish",
        "keep_partitions",
        "alert",
    } == set(told)
    assert (1, 0) == (told["drain"]["drain_booked"], told["drain"]["drain_waiting"])


async def test_the_ledger_fails_as_a_whole_without_postgres_but_tries_every_step(
    environment: dict[str, str],
) -> None:
    nowhere = {**environment, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    async with running(LEDGER, nowhere) as ledger:
        outcome = await ledger.api.invoke(schedule("ledger"))
        error = await outcome.reply()

    assert ("error", "StepsFailed") == (outcome.kind, error["errorType"])
    assert {"drain", "republish", "keep_partitions"} <= set(error["errorMessage"].split(", "))


async def test_a_due_budget_starts_afresh(environment: dict[str, str], stores: Stores) -> None:
    await stores.postgres.run(
        """
        insert into litellm_usertable
            (user_id, spend, max_budget, budget_duration, budget_started_at, budget_reset_at)
        values ('u', 5, 10, '1d', now() - interval '2 days', now() - interval '1 day')
        """
    )

    async with running(RESETS, environment) as resets:
        outcome = await resets.api.invoke(schedule("resets"))
        await outcome.end()
        lines = await resets.log_lines()

    user = await stores.postgres.one(
        "select spend = 0 as is_fresh, budget_reset_at > now() as is_ahead from litellm_usertable"
    )
    assert ("response", {"is_fresh": True, "is_ahead": True}) == (outcome.kind, user)
    assert [1] == [line["resets_users"] for line in lines if line["message"] == "resets"]

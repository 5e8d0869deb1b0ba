"""Counters that Redis does not have are made of Postgres's columns and the rows on their way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.domain import Millis, Principal
from shared.errors import StoreDown
from shared.limits import counters
from shared.limits.budgets import BudgetRules
from shared.limits.counters import make_counters
from shared.limits.models import ModelNames
from shared.limits.plan import Ask, Rules, make_plan
from shared.settings import Settings
from shared.storage import admission, policies, spend_rows, stream
from shared.storage.admission import LEDGER_POSITION, Admitted, Held, admit, settle
from shared.storage.plans import Lost, Plan
from shared.storage.seeds import budget_seeds
from shared.storage.stores import Stores
from tests.storage.given import (
    DOLLAR,
    counter,
    everything,
    find_principal,
    given_counter,
    settlement,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.door.server import DoorThread
    from shared.storage.admission import AdmitReply
    from shared.storage.seeds import Seeds

DAY_MS = 86_400_000


@pytest.fixture
async def stores(postgres_dsn: str, door: DoorThread) -> AsyncIterator[Stores]:
    stores = Stores.open(
        Settings(
            master_key="sk-m",
            database_url=postgres_dsn,
            redis_url=door.url,
            redis_token=door.token,
            redis_try_seconds=10,
        )
    )
    yield stores
    await stores.close()


@pytest.fixture
async def principal(stores: Stores) -> Principal:
    """A key of a team, 3 and 5 dollars spent of 10."""
    await stores.postgres.run(
        "insert into litellm_teamtable (team_id, max_budget, spend) values ('t:1', 10, 5)"
    )
    await stores.postgres.run(
        "insert into litellm_verificationtoken (token, team_id, max_budget, spend)"
        " values ('h1', 't:1', 10, 3)"
    )
    return await read(stores)


async def read(stores: Stores) -> Principal:
    return await find_principal(stores.postgres, "h1")


def plan_of(principal: Principal, *, now: int = 0, request_id: str = "r1") -> Plan:
    moment = Millis(now or principal.key.budget_started_at + 1000)
    ask = Ask(
        request_id=request_id, models=ModelNames(("gpt",)), candidates=[], tokens=0, is_free=False
    )
    rules = Rules(BudgetRules())
    made = make_plan(principal, ask, lambda _: Lost("{}", 0, 0), moment, rules)
    return replace(made, valid_from=Millis(0), valid_until=Millis(2**50))


async def test_counters_start_from_the_columns(stores: Stores, principal: Principal) -> None:
    plan = plan_of(principal)
    assert admission.Seed((0, 1)) == await admitted(stores, principal, plan)

    assert await make_counters(stores, plan, (0, 1))

    key, team = plan.budgets
    assert (key.since, 3 * DOLLAR, 0) == await counter(stores.redis, key.key)
    assert (team.since, 5 * DOLLAR, 0) == await counter(stores.redis, team.key)
    assert isinstance(await admitted(stores, principal, plan), Admitted)


async def admitted(stores: Stores, principal: Principal, plan: Plan) -> AdmitReply:
    await policies.publish(stores.redis, principal.policies)
    return await admit(stores.redis, plan)


async def test_only_the_missing_are_made(stores: Stores, principal: Principal) -> None:
    plan = plan_of(principal)
    await given_counter(stores.redis, plan.budgets[0].key, spent=7, since=plan.budgets[0].since)

    assert await make_counters(stores, plan, (1,))

    assert (plan.budgets[0].since, 7, 0) == await counter(stores.redis, plan.budgets[0].key)


async def test_rows_on_their_way_are_counted_once(stores: Stores, principal: Principal) -> None:
    plan = plan_of(principal)
    await settle(stores.redis, Held.by(plan), settlement(40))

    assert await make_counters(stores, plan, (0, 1))

    assert 3 * DOLLAR + 40 == (await counter(stores.redis, plan.budgets[0].key))[1]


async def test_a_period_that_postgres_has_not_begun_starts_with_what_is_on_its_way(
    stores: Stores, principal: Principal
) -> None:
    started = principal.key.budget_started_at
    key = replace(
        principal.key, budget_duration="1d", budget_reset_at=Millis(started + 1), team_id=None
    )
    plan = plan_of(Principal(key), now=started + 3 * DAY_MS)
    assert plan.budgets[0].since > started
    await settle(stores.redis, Held.by(plan), settlement(40))

    assert await make_counters(stores, plan, (0,))

    assert (plan.budgets[0].since, 40, 0) == await counter(stores.redis, plan.budgets[0].key)


async def test_a_period_that_began_anew_in_postgres_wants_newer_policies(
    stores: Stores, principal: Principal
) -> None:
    plan = plan_of(principal)
    await stores.postgres.run(
        "update litellm_verificationtoken"
        " set spend = 0, budget_started_at = budget_started_at + interval '1 second'"
    )

    assert not await make_counters(stores, plan, (0, 1))

    assert {} == await everything(stores.redis)
    assert await make_counters(stores, plan_of(await read(stores)), (0, 1))


async def test_what_was_deleted_wants_newer_policies(stores: Stores, principal: Principal) -> None:
    plan = plan_of(principal)
    await stores.postgres.run("delete from litellm_verificationtoken")

    assert not await make_counters(stores, plan, (0,))

    assert {} == await everything(stores.redis)


async def test_a_drain_that_overtakes_every_look_is_told_as_unavailable(
    stores: Stores, principal: Principal
) -> None:
    await stores.redis.execute(["SET", LEDGER_POSITION, "9-9"])

    with pytest.raises(StoreDown, match="rebuilt"):
        await make_counters(stores, plan_of(principal), (0, 1))

    assert {LEDGER_POSITION} == (await everything(stores.redis)).keys()


async def test_a_drain_that_overtakes_one_look_does_no_harm(
    stores: Stores, principal: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(principal)
    looks = 0

    async def overtaken(*args: object) -> Seeds:
        nonlocal looks
        looks += 1
        found = await budget_seeds(*args)  # type: ignore[arg-type]
        if looks == 1:
            await stores.redis.execute(["SET", LEDGER_POSITION, "9-9"])
            await spend_rows.move_position(stores.postgres, 0, "9-9")
        return found

    monkeypatch.setattr(counters, "budget_seeds", overtaken)

    assert await make_counters(stores, plan, (0, 1))

    assert (2, 3 * DOLLAR) == (looks, (await counter(stores.redis, plan.budgets[0].key))[1])


async def test_a_drain_far_behind_is_told_as_unavailable(
    stores: Stores, principal: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "MAX_ROWS_TO_SEED_FROM", 0)
    plan = plan_of(principal)
    await settle(stores.redis, Held.by(plan), settlement(40))

    with pytest.raises(StoreDown, match="rebuilt"):
        await make_counters(stores, plan, (0, 1))


async def test_many_at_once_make_each_counter_once(stores: Stores, principal: Principal) -> None:
    plans = [plan_of(principal, request_id=f"r{i}") for i in range(20)]

    async def serve(plan: Plan) -> None:
        reply = await admitted(stores, principal, plan)
        if isinstance(reply, admission.Seed):
            assert await make_counters(stores, plan, reply.budgets)
            assert isinstance(await admit(stores.redis, plan), Admitted)
        await settle(stores.redis, Held.by(plan), settlement(5))

    await asyncio.gather(*(serve(plan) for plan in plans))

    for line, dollars in zip(plans[0].budgets, (3, 5), strict=True):
        assert (line.since, dollars * DOLLAR + 100, 0) == await counter(stores.redis, line.key)
    assert 20 == await stream.length(stores.redis)

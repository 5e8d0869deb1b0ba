"""Plans, settlements and counters with defaults; Redis at a chosen time; a look at all it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from shared.auth.kinship import assemble
from shared.domain import Absent, Key, KeyHash, Millis, Nanodollars, Scope
from shared.spend.ids import correction_id, uuid7
from shared.storage.admission import LEDGER, Admitted, CounterSeed, Held, admit
from shared.storage.plans import (
    BudgetLine,
    CandidateLine,
    LeaseLine,
    Lost,
    Outcome,
    Place,
    Plan,
    RateLine,
    Settlement,
)
from shared.storage.principals import Asking, find_entries
from shared.storage.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Json, Policy, Principal
    from shared.storage.postgres import Runs as Sql
    from shared.storage.redis import Runs

DOLLAR = 1_000_000_000
SINCE = 1_700_000_000_000
NOW_US = 1_760_000_000_000_123
FOREVER = 9_999_999_999_999
COUNTER = "budget:key:k1:-"
TEAM_COUNTER = "budget:team:t1:-"
WINDOW = "ratelimit:deployment:d1:now"
COOLDOWN = "cooldown:d1"
HOURS_24 = 86_400_000
MINUTES_10 = 600_000
LOST_ROW = '{"metadata":{"status":"lost"}}'
ROW = '{"metadata":{"status":"success"}}'

_CLOCK = "clock of the test"
_AT_THE_TIME_OF_THE_TEST = f"""
local actual = redis
local redis = {{pcall = redis.pcall, call = function(command, ...)
  if command ~= 'TIME' then return actual.call(command, ...) end
  local us = actual.call('GET', '{_CLOCK}')
  return {{string.sub(us, 1, -7), string.sub(us, -6)}}
end}}
"""
_EVERYTHING = f"""
local all = {{}}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind, value = redis.call('TYPE', key).ok, nil
  if kind == 'string' then value = redis.call('GET', key)
  elseif kind == 'hash' then value = redis.call('HGETALL', key)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  else value = redis.call('XRANGE', key, '-', '+') end
  if key ~= '{_CLOCK}' then all[#all+1] = {{key, kind, value, redis.call('PTTL', key)}} end
end
return all
"""


class TimedRedis:
    """Redis whose scripts and TIME say what a test wants."""

    def __init__(self, redis: Runs) -> None:
        self._redis = redis
        self._now_us = 0

    async def set_time(self, now_us: int) -> None:
        self._now_us = now_us
        await self._redis.execute(["SET", _CLOCK, now_us])

    async def execute(self, command: list[str | int]) -> Json:
        if command == ["TIME"]:
            return [str(part) for part in divmod(self._now_us, 1_000_000)]
        return await self._redis.execute(command)

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | int]) -> Json:
        return await self._redis.run(timed(script), keys, args)


def timed(script: Script) -> Script:
    return Script.of(script.name, _AT_THE_TIME_OF_THE_TEST + script.source)


@dataclass(frozen=True)
class Value:
    """One key as it stands, and its time to live in ms (None: for ever).

    Two are equal when their values are, and both expire or neither does.
    """

    value: object
    expires: bool
    expires_in: int | None = field(compare=False)


async def everything(redis: Runs) -> dict[str, Value]:
    found = cast(
        "list[tuple[str, str, object, int]]", await redis.execute(["EVAL", _EVERYTHING, 0])
    )
    return {
        key: Value(
            _pairs(value) if kind in {"hash", "zset"} else value,
            ttl >= 0,
            ttl if ttl >= 0 else None,
        )
        for key, kind, value, ttl in found
    }


def _pairs(words: object) -> dict[str, str]:
    flat = cast("list[str]", words)
    return dict(zip(flat[::2], flat[1::2], strict=True))


async def hash_of(redis: Runs, key: str) -> dict[str, str]:
    return _pairs(await redis.execute(["HGETALL", key]))


async def ledger(redis: Runs) -> list[dict[str, str]]:
    entries = cast("list[tuple[str, object]]", await redis.execute(["XRANGE", LEDGER, "-", "+"]))
    return [_pairs(words) for _, words in entries]


async def now_us(redis: Runs) -> int:
    seconds, micros = cast("list[str]", await redis.execute(["TIME"]))
    return int(seconds) * 1_000_000 + int(micros)


def budget(
    key: str = COUNTER,
    *,
    limit: int | None = DOLLAR,
    since: int = SINCE,
    opening: int = 0,
    at_limit: bool = True,
) -> BudgetLine:
    most = None if limit is None else Nanodollars(limit)
    return BudgetLine(key, Millis(since), Nanodollars(opening), most, at_limit)


def place(name: str = "d1") -> Place:
    return Place(
        f"cooldown:{name}",
        f"parallel:deployment:{name}",
        f"active_requests:{name}",
        f"latency:{name}",
        f"ratelimit:deployment:{name}:now",
        f"ratelimit:deployment:{name}:before",
    )


def candidate(reservation: int = 0, name: str = "d1") -> CandidateLine:
    return CandidateLine(place(name), Nanodollars(reservation))


def rate(*, rpm: int | None = None, tpm: int | None = None, of: str = "key:k1") -> RateLine:
    return RateLine(f"ratelimit:{of}:now", f"ratelimit:{of}:before", rpm, tpm)


def lease(limit: int = 1, of: str = "key:k1") -> LeaseLine:
    return LeaseLine(f"parallel:{of}", limit)


def policy(version: int, *, read_mark: int = 0, entity_id: str = "k1") -> Key:
    return Key(
        scope=Scope.KEY,
        entity_id=entity_id,
        version=version,
        read_mark=read_mark,
        budget_started_at=Millis(SINCE),
    )


def plan(
    request_id: str | None = None,
    *,
    policies: Sequence[Policy] = (),
    budgets: Sequence[BudgetLine] = (),
    rates: Sequence[RateLine] = (),
    leases: Sequence[LeaseLine] = (),
    candidates: Sequence[CandidateLine] | None = None,
    reservation: int = 0,
    tokens: int = 0,
    valid_from: int = 0,
    valid_until: int = FOREVER,
) -> Plan:
    """Lay out a plan that nothing stands against; one candidate at `reservation` by default."""
    return Plan(
        request_id=request_id or uuid7(Millis(SINCE)),
        valid_from=Millis(valid_from),
        valid_until=Millis(valid_until),
        policies=tuple(policies),
        budgets=tuple(budgets),
        rates=tuple(rates),
        leases=tuple(leases),
        candidates=(candidate(reservation),) if candidates is None else tuple(candidates),
        tokens=tokens,
        lost=Lost(row=LOST_ROW, prompt_tokens=11, completion_tokens=22),
    )


def full(request_id: str | None = None, *, reservation: int = 50, tokens: int = 100) -> Plan:
    """A plan that takes something of every kind."""
    return plan(
        request_id,
        budgets=[budget(), budget(TEAM_COUNTER, limit=None)],
        rates=[rate(rpm=5)],
        leases=[lease(3)],
        reservation=reservation,
        tokens=tokens,
    )


def known(spent: int, *, key: str = COUNTER, since: int = SINCE) -> CounterSeed:
    return CounterSeed(key, Millis(since), Nanodollars(spent))


def settlement(
    cost: int = 0,
    *,
    prompt_tokens: int = 3,
    completion_tokens: int = 4,
    outcome: Outcome | None = None,
    correction: str = "correction",
) -> Settlement:
    return Settlement(
        cost=Nanodollars(cost),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        row=ROW,
        correction_id=correction,
        outcome=outcome,
    )


async def given_counter(
    redis: Runs, key: str = COUNTER, *, spent: int = 0, reserved: int = 0, since: int = SINCE
) -> None:
    fields: list[str | int] = ["since", since, "spent", spent, "reserved", reserved]
    await redis.execute(["HSET", key, *fields, "mark", "given"])


async def counter(redis: Runs, key: str = COUNTER) -> tuple[int, int, int]:
    """Return since, spent and reserved."""
    found = await hash_of(redis, key)
    return int(found["since"]), int(found["spent"]), int(found["reserved"])


async def given_hold(redis: Runs, the_plan: Plan) -> Held:
    reply = await admit(redis, the_plan)
    assert isinstance(reply, Admitted), reply
    return Held.by(the_plan)


async def given_overdue(redis: Runs, *held: Held) -> None:
    """Let the deadlines of holds pass."""
    for each in held:
        await redis.execute(["ZADD", "holds:0", "XX", 1, each.request_id])


def correction_of(held: Held) -> str:
    return correction_id(held.request_id)


async def find_principal(db: Sql, key_hash: str) -> Principal:
    """Read a key and all it hangs from out of Postgres."""
    asking = Asking(KeyHash(key_hash))
    rows = {(row.scope, row.entity_id): row for row in await find_entries(db, asking)}
    found = assemble(asking, lambda entity: rows.get(entity) or Absent(*entity))
    assert found is not None
    return found

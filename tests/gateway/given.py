"""What a test begins with: keys, users and teams in Postgres, models in a configuration."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, LiteralString, cast
from uuid import uuid4

from shared.auth.keys import hash_key, make_key
from shared.domain import KeyHash, Nanodollars
from shared.storage import policies
from shared.storage.admission import LEDGER
from shared.storage.principals import find_policies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Json, JsonObject
    from shared.gateway.gateway import Gateway
    from shared.storage.policies import Entity
    from shared.storage.stores import Stores

MASTER_KEY = "sk-master-of-the-tests-0001"

INPUT_PRICE = Decimal("0.000001")
OUTPUT_PRICE = Decimal("0.000002")

CHAT = "/v1/chat/completions"
CALL: dict[str, Any] = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}


def model(name: str, base: str, **params: Json) -> JsonObject:
    """One deployment of a group: a dollar a million prompt tokens, two for the answer's."""
    info = params.pop("model_info", {})
    return {
        "model_name": name,
        "litellm_params": {
            "model": "openai/fake-model",
            "api_base": f"{base}/v1",
            "api_key": "sk-upstream-canary-secret",
            "input_cost_per_token": float(INPUT_PRICE),
            "output_cost_per_token": float(OUTPUT_PRICE),
            **params,
        },
        "model_info": info,
    }


def router(**settings: Any) -> Any:  # noqa: ANN401 - sections of a configuration
    """The router's section, where nothing is tried twice unless it says so."""
    return {"router_settings": {"num_retries": 0, **settings}}


def price_of(prompt_tokens: int, completion_tokens: int) -> Nanodollars:
    dollars = prompt_tokens * INPUT_PRICE + completion_tokens * OUTPUT_PRICE
    return Nanodollars(int(dollars * 1_000_000_000))


@dataclass(frozen=True)
class GivenKey:
    token: str

    @property
    def hash(self) -> KeyHash:
        return hash_key(self.token)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Given:
    """Writes rows as an administrator would have."""

    stores: Stores

    async def key(self, **columns: object) -> GivenKey:
        key = GivenKey(make_key())
        await self._insert("litellm_verificationtoken", {"token": key.hash, **columns})
        return key

    async def user(self, **columns: object) -> str:
        user_id = str(columns.pop("user_id", uuid4()))
        await self._insert("litellm_usertable", {"user_id": user_id, **columns})
        return user_id

    async def team(self, **columns: object) -> str:
        team_id = str(columns.pop("team_id", uuid4()))
        await self._insert("litellm_teamtable", {"team_id": team_id, **columns})
        return team_id

    async def budget(self, **columns: object) -> str:
        budget_id = str(columns.pop("budget_id", uuid4()))
        await self.row("litellm_budgettable", budget_id=budget_id, **columns)
        return budget_id

    async def row(self, table: str, **columns: object) -> None:
        await self._insert(table, columns)

    async def change(
        self,
        entity: Entity,
        statement: LiteralString,
        *,
        beside: Sequence[Entity] = (),
        is_published: bool = True,
    ) -> None:
        """Change a policy's row as an administrator does: fence, commit, publish."""
        redis, postgres = self.stores.redis, self.stores.postgres
        entities = [entity, *beside]
        number: Any = await postgres.one("select nextval('tollgate_version') as number")
        await policies.fence(redis, entities, number["number"])
        await postgres.run(statement, id=entity[1])
        if is_published:
            await policies.publish(redis, await find_policies(postgres, entities))

    async def spend_of(self, key: GivenKey, rows: int) -> int:
        """Return the nanodollars of the key's rows in Postgres once there are that many."""
        async with asyncio.timeout(60):
            while True:
                found: Any = await self.stores.postgres.one(
                    "select count(*) as rows, sum(spend) * 1000000000 as spend "
                    "from litellm_spendlogs where api_key = %(id)s",
                    id=key.hash,
                )
                if found["rows"] >= rows:
                    return int(found["spend"])
                await asyncio.sleep(0.02)

    async def _insert(self, table: str, columns: dict[str, object]) -> None:
        into = ", ".join(columns)
        values = ", ".join(f"%({name})s" for name in columns)
        statement = f"insert into {table} ({into}) values ({values})"  # noqa: S608 - a test's names
        await self.stores.postgres.run(cast("LiteralString", statement), **columns)


async def ledger(gateway: Gateway, rows: int) -> list[dict[str, str]]:
    """Return the stream's entries once there are that many: a call settles after its last byte."""
    async with asyncio.timeout(60):
        while True:
            found: Any = await gateway.stores.redis.execute(["XRANGE", LEDGER, "-", "+"])
            if len(found) >= rows:
                return [dict(zip(entry[::2], entry[1::2], strict=True)) for _, entry in found]
            await asyncio.sleep(0.01)


async def names(gateway: Gateway, pattern: str) -> list[str]:
    """Return the keys of Redis that fit a pattern."""
    found: Any = await gateway.stores.redis.execute(["KEYS", pattern])
    return found


async def counter(gateway: Gateway, key: str) -> dict[str, str]:
    """Return a hash of Redis."""
    words: Any = await gateway.stores.redis.execute(["HGETALL", key])
    return dict(zip(words[::2], words[1::2], strict=True))

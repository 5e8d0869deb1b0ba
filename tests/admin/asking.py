"""How the tests ask the admin app, and look behind it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
from psycopg.rows import dict_row

if TYPE_CHECKING:
    import httpx

    from functions.admin.state import State
    from local.door.server import DoorThread

MASTER_KEY = "sk-master-key-of-the-tests"

Json = Any

TABLES = (
    "litellm_verificationtoken",
    "litellm_usertable",
    "litellm_teamtable",
    "litellm_teammembership",
    "litellm_deletedverificationtoken",
    "litellm_auditlog",
)


@dataclass(frozen=True, slots=True)
class Admin:
    """What the tests ask, with the master key unless they say another."""

    http: httpx.AsyncClient
    state: State
    dsn: str
    door: DoorThread

    async def post(
        self, path: str, body: Json = None, *, key: str = MASTER_KEY, changed_by: str | None = None
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"}
        if changed_by is not None:
            headers["litellm-changed-by"] = changed_by
        return await self.http.post(path, json=body, headers=headers)

    async def post_raw(self, path: str, raw: bytes) -> httpx.Response:
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        return await self.http.post(path, content=raw, headers=headers)

    async def get(
        self, path: str, params: dict[str, str] | None = None, *, key: str = MASTER_KEY
    ) -> httpx.Response:
        return await self.http.get(path, params=params, headers={"authorization": f"Bearer {key}"})

    async def send(
        self, method: str, path: str, body: Json = None, *, key: str = MASTER_KEY
    ) -> httpx.Response:
        """Ask by any method; `body` goes into the query of a GET."""
        headers = {"authorization": f"Bearer {key}"}
        if method == "GET":
            return await self.http.get(path, params=body, headers=headers)
        return await self.http.request(method, path, json=body, headers=headers)

    async def done(
        self, method: str, path: str, body: Json = None, *, key: str = MASTER_KEY
    ) -> Json:
        reply = await self.send(method, path, body, key=key)
        assert 200 == reply.status_code, reply.text
        return reply.json()

    async def made(self, path: str, **body: Json) -> Json:
        reply = await self.post(path, body)
        assert 200 == reply.status_code, reply.text
        return reply.json()

    async def given_key(self, **fields: Json) -> Json:
        return await self.made("/key/generate", **fields)

    async def given_user(self, role: str = "internal_user", **fields: Json) -> Json:
        return await self.made("/user/new", user_role=role, **fields)

    async def given_team(self, **fields: Json) -> Json:
        return await self.made("/team/new", **fields)

    async def info(self, key: str) -> Json:
        reply = await self.get("/key/info", {"key": key})
        assert 200 == reply.status_code, reply.text
        return reply.json()["info"]

    def sql(self, statement: str, *params: object) -> list[dict[str, Any]]:
        with psycopg.Connection[dict[str, Any]].connect(
            self.dsn, autocommit=True, row_factory=dict_row
        ) as connection:
            cursor = connection.execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []

    def rows(self) -> dict[str, int]:
        """How many rows each table has that the admin API writes."""
        return {name: self.sql(f"select count(*) as n from {name}")[0]["n"] for name in TABLES}  # noqa: S608 - our own names

    async def entry(self, redis_key: str) -> Json:
        """What stands in Redis for a policy."""
        text = await self.state.desk.stores.redis.execute(["GET", redis_key])
        return orjson.loads(text) if isinstance(text, str) else None


def own(word: str = "x") -> str:
    """A name that no other test has."""
    return f"{word}-{uuid.uuid4().hex[:12]}"


def error_of(reply: httpx.Response) -> tuple[int, str, str | None]:
    """Status, type and param of a refusal, having checked that its body has LiteLLM's shape."""
    error = reply.json()["error"]
    assert {"message", "type", "param", "code"} == error.keys()
    assert str(reply.status_code) == error["code"]
    return reply.status_code, error["type"], error["param"]

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from upstash_redis.asyncio import Redis

if TYPE_CHECKING:
    from local.door.server import DoorThread


def test_a_database_is_fresh_in_every_test_first(postgres_dsn: str) -> None:
    _make_a_table_where_there_is_none(postgres_dsn)


def test_a_database_is_fresh_in_every_test_second(postgres_dsn: str) -> None:
    _make_a_table_where_there_is_none(postgres_dsn)


async def test_the_door_serves_the_client_of_production(door: DoorThread) -> None:
    async with Redis(door.url, door.token, rest_retries=0) as redis:
        await redis.set("greeting", "é✓ \n", ex=60)

        assert "é✓ \n" == await redis.get("greeting")


async def test_the_door_is_empty_in_every_test(door: DoorThread) -> None:
    async with Redis(door.url, door.token, rest_retries=0) as redis:
        assert [] == await redis.keys("*")


def _make_a_table_where_there_is_none(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("create table left_behind (id int primary key)")

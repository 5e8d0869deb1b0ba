"""The ledger stream: read from its beginning, trimmed up to what is booked."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from shared.storage import stream
from shared.storage.redis import Redis
from shared.storage.stream import Entry
from shared.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.door.server import DoorThread


@pytest.fixture
async def redis(door: DoorThread) -> AsyncIterator[Redis]:
    http = Client()
    yield Redis(http, door.url, door.token, try_seconds=5)
    await http.close()


async def add(redis: Redis, *stream_ids: str) -> None:
    for stream_id in stream_ids:
        await redis.execute(["XADD", "ledger:0", stream_id, "id", stream_id, "spend", "5"])


async def ids(redis: Redis) -> list[str]:
    return [entry.stream_id for entry in await stream.read(redis, 1000)]


async def test_an_empty_stream_has_no_entries(redis: Redis) -> None:
    assert ([], 0) == (await stream.read(redis, 10), await stream.length(redis))


async def test_entries_are_read_from_the_oldest(redis: Redis) -> None:
    await add(redis, "7-0", "7-1", "8-0")

    entries = await stream.read(redis, 2)

    assert [
        Entry("7-0", {"id": "7-0", "spend": "5"}),
        Entry("7-1", {"id": "7-1", "spend": "5"}),
    ] == entries


async def test_length_counts_what_waits(redis: Redis) -> None:
    await add(redis, "7-0", "7-1")

    assert 2 == await stream.length(redis)


async def test_an_entry_is_kept_as_json() -> None:
    assert b'["7-0",{"id":"a\\u0000"}]' == Entry("7-0", {"id": "a\0"}).raw()


async def test_trimming_cuts_off_what_is_booked_and_no_more(redis: Redis) -> None:
    await add(redis, "7-0", "7-1", "7-2", "8-0")

    cut = await stream.trim(redis, "7-1")

    assert (2, ["7-2", "8-0"]) == (cut, await ids(redis))


async def test_trimming_notes_the_position(redis: Redis) -> None:
    await stream.trim(redis, "7-1")

    assert "7-1" == await redis.execute(["GET", "ledger:0:position"])


async def test_trimming_again_changes_nothing(redis: Redis) -> None:
    await add(redis, "7-0", "7-1")
    await stream.trim(redis, "7-0")

    cut = await stream.trim(redis, "7-0")

    assert (0, ["7-1"]) == (cut, await ids(redis))


async def test_a_lost_reply_is_asked_for_again(redis: Redis, door: DoorThread) -> None:
    await add(redis, "7-0", "7-1")
    door.faults.add("drop_after", command="EVALSHA")

    await stream.trim(redis, "7-0")

    assert ["7-1"] == await ids(redis)


@pytest.mark.parametrize("late", ["7-3", "6-999", "7-0"])
async def test_a_slow_trim_takes_no_position_back(redis: Redis, late: str) -> None:
    await stream.trim(redis, "7-4")

    await stream.trim(redis, late)

    assert "7-4" == await redis.execute(["GET", "ledger:0:position"])


async def test_neither_stream_nor_position_ever_expires(redis: Redis) -> None:
    await add(redis, "7-0", "7-1")
    await stream.trim(redis, "7-0")

    lives = [await redis.execute(["TTL", key]) for key in ("ledger:0", "ledger:0:position")]

    assert [-1, -1] == lives


@pytest.mark.parametrize("seed", range(5))
async def test_trimming_does_what_lists_in_python_would(redis: Redis, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    oracle: list[tuple[int, int]] = []
    position = (0, 0)
    newest = (1_795_521_600_000, 0)
    for _ in range(40):
        if chance.random() < 0.6:
            step = chance.choice([0, 0, 1, 9])
            newest = (newest[0] + step, 0 if step else newest[1] + 1)
            await add(redis, text(newest))
            oracle.append(newest)
        else:
            last = (newest[0] - chance.randrange(3), chance.randrange(4))
            cut = await stream.trim(redis, text(last))
            kept = [entry for entry in oracle if entry > last]
            assert len(oracle) - len(kept) == cut
            oracle, position = kept, max(position, last)

    assert [text(entry) for entry in oracle] == await ids(redis)
    assert text(position) == (await redis.execute(["GET", "ledger:0:position"]) or "0-0")


def text(stream_id: tuple[int, int]) -> str:
    return f"{stream_id[0]}-{stream_id[1]}"

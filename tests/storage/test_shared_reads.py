"""One read under way serves everybody who asks for the same."""

from __future__ import annotations

import asyncio

import pytest

from shared.storage.shared_reads import SharedReads


class Source:
    """Something slow to read, which counts how often it is."""

    def __init__(self) -> None:
        self.reads = 0
        self.may_answer = asyncio.Event()

    async def read(self) -> int:
        self.reads += 1
        await self.may_answer.wait()
        return self.reads


async def test_all_who_ask_meanwhile_share_one_read() -> None:
    source, shared = Source(), SharedReads[int]()
    asking = [asyncio.create_task(shared.read("a", source.read)) for _ in range(20)]
    await asyncio.sleep(0)

    source.may_answer.set()

    assert [1] * 20 == await asyncio.gather(*asking)


async def test_who_asks_afterwards_reads_anew() -> None:
    source, shared = Source(), SharedReads[int]()
    source.may_answer.set()

    first = await shared.read("a", source.read)
    second = await shared.read("a", source.read)

    assert (1, 2) == (first, second)


async def test_another_key_is_another_read() -> None:
    source, shared = Source(), SharedReads[int]()
    source.may_answer.set()

    await asyncio.gather(shared.read("a", source.read), shared.read("b", source.read))

    assert 2 == source.reads


async def test_a_failure_reaches_everybody() -> None:
    shared = SharedReads[int]()

    async def fail() -> int:
        raise ValueError("no")

    results = await asyncio.gather(
        *(shared.read("a", fail) for _ in range(3)), return_exceptions=True
    )

    assert ["no"] * 3 == [str(result) for result in results]


async def test_who_is_cancelled_does_not_stop_the_others() -> None:
    source, shared = Source(), SharedReads[int]()
    impatient = asyncio.create_task(shared.read("a", source.read))
    patient = asyncio.create_task(shared.read("a", source.read))
    await asyncio.sleep(0)

    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    source.may_answer.set()

    assert 1 == await patient

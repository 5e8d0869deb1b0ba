"""The door speaks Upstash: values, pipelines, transactions, scripts, subscriptions, refusals."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from typing import TYPE_CHECKING

import aiohttp
import pytest
from upstash_redis.asyncio import Redis
from upstash_redis.errors import UpstashError

from tests.local.door_calls import post

if TYPE_CHECKING:
    from local.door.server import DoorThread

KEY_LOCKING = "#!lua flags=allow-key-locking\nreturn redis.call('GET', KEYS[1])"


async def test_values_come_back_as_they_went(redis: Redis) -> None:
    await redis.set("key", "é✓ \r\n$-1", ex=60)

    assert "é✓ \r\n$-1" == await redis.get("key")


async def test_values_come_back_without_base64_too(door: DoorThread) -> None:
    async with Redis(door.url, door.token, rest_encoding=None, rest_retries=0) as redis:
        await redis.set("key", "é✓")

        assert "é✓" == await redis.get("key")


async def test_an_absent_value_is_null(redis: Redis) -> None:
    assert await redis.get("absent") is None


async def test_large_values_pass_in_both_directions(redis: Redis) -> None:
    await redis.set("large", "x" * 3_000_000)

    assert 3_000_000 == len(await redis.get("large") or "")


async def test_pipeline_returns_every_reply(redis: Redis) -> None:
    pipeline = redis.pipeline()
    pipeline.set("a", "1")
    pipeline.incr("a")
    pipeline.hset("h", values={"f": "v"})
    pipeline.hgetall("h")

    assert [True, 2, 1, {"f": "v"}] == await pipeline.exec()


async def test_pipeline_goes_on_after_an_error(http: aiohttp.ClientSession) -> None:
    commands = [["SET", "s", "x"], ["INCR", "s"], ["NO", "SUCH"], ["BLPOP", "q", 0], ["GET", "s"]]

    status, told = await post(http, "/pipeline", json=commands)

    assert isinstance(told, list)
    assert (200, "OK", "x") == (status, told[0]["result"], told[4]["result"])
    assert ["error", "error", "error"] == [next(iter(each)) for each in told[1:4]]


async def test_transaction_is_whole(redis: Redis) -> None:
    transaction = redis.multi()
    transaction.incr("n")
    transaction.expire("n", 60)

    assert [1, True] == await transaction.exec()


async def test_transaction_with_a_bad_command_changes_nothing(
    http: aiohttp.ClientSession,
    redis: Redis,
) -> None:
    status, told = await post(http, "/multi-exec", json=[["INCR", "n"], ["NO", "SUCH"]])

    assert (400, True) == (status, isinstance(told, dict) and "EXECABORT" in told["error"])
    assert await redis.get("n") is None


async def test_concurrent_transactions_do_not_mix(http: aiohttp.ClientSession) -> None:
    commands = [["INCR", "n"], ["INCR", "n"], ["GET", "n"]]

    answers = await asyncio.gather(
        *(post(http, "/multi-exec", json=commands) for _ in range(50)),
    )

    seen = sorted(int(told[2]["result"]) for _, told in answers if isinstance(told, list))
    assert list(range(2, 101, 2)) == seen


async def test_script_runs_by_source_and_by_digest(redis: Redis) -> None:
    digest = await redis.script_load("return {1, ARGV[1], {KEYS[1], false}}")

    by_digest = await redis.evalsha(digest, keys=["k"], args=["é"])

    assert [1, "é", ["k", None]] == by_digest
    assert by_digest == await redis.eval(
        "return {1, ARGV[1], {KEYS[1], false}}",
        keys=["k"],
        args=["é"],
    )


async def test_unknown_digest_is_noscript(redis: Redis) -> None:
    with pytest.raises(UpstashError, match="NOSCRIPT"):
        await redis.evalsha("0" * 40, keys=[], args=[])


async def test_script_with_upstashs_own_flag_runs_under_its_own_digest(redis: Redis) -> None:
    await redis.set("k", "v")

    by_source = await redis.eval(KEY_LOCKING, keys=["k"])
    by_digest = await redis.evalsha(_sha1(KEY_LOCKING), keys=["k"])

    assert ["v", "v"] == [by_source, by_digest]


async def test_script_flags_of_valkey_stay(redis: Redis) -> None:
    source = "#!lua flags=no-writes,allow-key-locking\nreturn redis.call('SET', KEYS[1], 1)"

    with pytest.raises(UpstashError, match="read-only"):
        await redis.eval(source, keys=["k"])


async def test_error_of_valkey_is_a_400_with_its_words(http: aiohttp.ClientSession) -> None:
    await post(http, "/", json=["HSET", "h", "f", "v"])

    status, told = await post(http, "/", json=["GET", "h"])

    assert isinstance(told, dict)
    assert (400, "WRONGTYPE") == (status, told["error"].split()[0])


@pytest.mark.parametrize("body", ["", "{", '"GET"', "[]", "{}", '["SUBSCRIBE","c"]'])
async def test_what_is_no_command_is_a_400(http: aiohttp.ClientSession, body: str) -> None:
    status, told = await post(http, "/", data=body)

    assert (400, ["error"]) == (status, list(told) if isinstance(told, dict) else told)


async def test_body_over_upstashs_limit_is_a_413(http: aiohttp.ClientSession) -> None:
    large = io.BytesIO(b"x" * (10 * 1024 * 1024 + 1))

    async with http.post("/set/large", data=large) as reply:
        assert 413 == reply.status


async def test_other_json_values_are_sent_as_json(http: aiohttp.ClientSession) -> None:
    await post(http, "/", json=["RPUSH", "l", 1, 1.5, True, None, {"a": [1]}])

    _, told = await post(http, "/", json=["LRANGE", "l", 0, -1])

    assert {"result": ["1", "1.5", "true", "null", '{"a":[1]}']} == told


async def test_path_is_a_command_with_body_and_query(http: aiohttp.ClientSession) -> None:
    await post(http, "/set/foo%2Fx?EX=100", data="b r")

    assert (200, {"result": "b r"}) == await post(http, "/get/foo%2Fx")
    assert (200, {"result": 100}) == await post(http, "/ttl/foo%2Fx")


async def test_base64_encodes_every_string_but_ok(http: aiohttp.ClientSession) -> None:
    headers = {"Upstash-Encoding": "base64"}
    script = ["EVAL", "return {'a', {'b'}, 1, redis.status_reply('PONG')}", 0]

    _, ok = await post(http, "/", json=["SET", "k", "OK"], headers=headers)
    _, told = await post(http, "/", json=script, headers=headers)

    assert {"result": "OK"} == ok
    assert {"result": [_base64("a"), [_base64("b")], 1, _base64("PONG")]} == told


async def test_token_may_come_in_the_query(door: DoorThread) -> None:
    async with aiohttp.ClientSession(door.url) as anonymous:
        assert (200, {"result": "PONG"}) == await post(anonymous, f"/ping?_token={door.token}")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic dGVzdA==", "é"])
async def test_other_tokens_are_a_401(door: DoorThread, authorization: str) -> None:
    headers = {"Authorization": authorization}
    async with aiohttp.ClientSession(door.url, headers=headers) as stranger:
        status, told = await post(stranger, "/ping")

    assert (401, ["error"]) == (status, list(told) if isinstance(told, dict) else told)


async def test_other_methods_are_a_405(http: aiohttp.ClientSession) -> None:
    async with http.delete("/") as reply:
        assert 405 == reply.status


async def test_subscription_gets_what_is_published(
    http: aiohttp.ClientSession,
    redis: Redis,
) -> None:
    async with http.post("/subscribe/chat") as stream:
        first = await _event(stream)
        await redis.publish("chat", "hello")

        assert ["subscribe,chat,1", "message,chat,hello"] == [first, await _event(stream)]


async def test_pattern_subscription_names_the_channel(
    http: aiohttp.ClientSession,
    redis: Redis,
) -> None:
    async with http.get("/psubscribe/ch*") as stream:
        first = await _event(stream)
        await redis.publish("chat", "hello")

        assert ["psubscribe,ch*,1", "pmessage,ch*,chat,hello"] == [first, await _event(stream)]


async def test_monitor_shows_commands(http: aiohttp.ClientSession, redis: Redis) -> None:
    async with http.get("/monitor") as stream:
        first = await _event(stream)
        await redis.get("watched")

        assert ('"OK"', True) == (first, '"GET" "watched"' in await _event(stream))


async def _event(stream: aiohttp.ClientResponse) -> str:
    line = await asyncio.wait_for(stream.content.readline(), 30)
    assert b"\n" == await stream.content.readline()
    return line.decode().removeprefix("data: ").rstrip("\n")


def _sha1(source: str) -> str:
    return hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

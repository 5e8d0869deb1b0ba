"""The built zip in an empty directory, on a bare interpreter of the runtime's version."""

from __future__ import annotations

import json
import platform
import shutil
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest

from infra.build import ARTIFACT, LOCK, OUR_ROOMS, TOO_LARGE, uv
from infra.interpreters import find_interpreter
from infra.slimming import is_licence
from tests.functions.conftest import MASTER_KEY
from tests.functions.http_events import ENTRANCES, rest_api
from tests.functions.runtime_api_emulator import ROOT, Place, running
from tests.functions.test_proxy_function import HANDLER, accounts, chat
from tests.infra.relay import Relay
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.storage.stores import Stores
    from tests.functions.http_events import Builder
    from tests.functions.runtime_api_emulator import Function
    from tests.provider import Provider

pytestmark = pytest.mark.slow

PYTHON = "3.13"
# Whatever else grows beyond a megabyte in the zip deserves a look before it has a place here.
HEAVY = {"cryptography", "psycopg_binary.libs", "pydantic_core", "shared"}
HERE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]


def built(architecture: str) -> bytes:
    """Build the bundle anew and return the zip."""
    argv = [sys.executable, "-m", "infra.build", "--architecture", architecture]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    return ARTIFACT.read_bytes()


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the bundle for this machine's processor was unpacked."""
    built(HERE)
    folder = tmp_path_factory.mktemp("task")
    shutil.unpack_archive(ARTIFACT, folder)
    (folder / "infra/bootstrap-stream").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def place(task: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The bundle, a bare interpreter, and the runtime's own client beside it."""
    client = tmp_path_factory.mktemp("runtime")
    subprocess.run(
        [
            *(str(uv()), "pip", "install", "--quiet", "--target", str(client)),
            *("--python-version", PYTHON, "--no-deps", "--only-binary", ":all:"),
            *("--require-hashes", "-r", str(ROOT / "requirements/outside/runtime.txt")),
        ],
        check=True,
    )
    return Place(task, str(find_interpreter(PYTHON)), (client,))


@pytest.fixture
async def redis(environment: dict[str, str]) -> AsyncIterator[Relay]:
    async with Relay(environment["UPSTASH_REDIS_REST_URL"]).serving() as relay:
        environment["UPSTASH_REDIS_REST_URL"] = relay.url
        yield relay


@pytest.fixture
async def vendor(
    environment: dict[str, str], provider: Provider, tmp_path: Path
) -> AsyncIterator[Relay]:
    del environment  # it has written the configuration by now
    async with Relay(provider.url).serving() as relay:
        text = (tmp_path / "config.json").read_text().replace(provider.url, relay.url)
        (tmp_path / "config.json").write_text(text)
        yield relay


@pytest.fixture
async def streaming(
    environment: dict[str, str], place: Place, redis: Relay, vendor: Relay
) -> AsyncIterator[Function]:
    del redis, vendor  # they are on the function's ways out
    async with running(HANDLER, environment, is_streaming=True, place=place) as function:
        yield function


def test_the_same_inputs_give_the_same_bytes_within_the_promised_size() -> None:
    first, second = built("arm64"), built("arm64")

    assert first == second
    assert len(first) <= TOO_LARGE


def test_the_bundle_holds_what_runs_and_nothing_else() -> None:
    built("arm64")

    with zipfile.ZipFile(ARTIFACT) as bundle:
        names = set(bundle.namelist())
        starter = bundle.getinfo("infra/bootstrap-stream")
    tops = {name.partition("/")[0] for name in names}
    ours = {
        str(path.relative_to(ROOT))
        for room in OUR_ROOMS
        for suffix in ("py", "sql", "lua", "json")
        for path in (ROOT / room).rglob(f"*.{suffix}")
    }
    assert set() == (ours | {"config.json", "orjson/__init__.pyc"}) - names
    assert set() == {"tests", "local", "awslambdaric", "yaml", "typer", "uvicorn", "boto3"} & tops
    assert set() == {name for name in names if name.endswith(".pth")}
    assert 0o755 == (starter.external_attr >> 16) & 0o777
    assert {"aarch64"} == {
        name.partition("cpython-313-")[2].partition("-")[0]
        for name in names
        if name.endswith("-linux-gnu.so")
    }


def test_every_dependency_brings_its_licence() -> None:
    built("arm64")

    with zipfile.ZipFile(ARTIFACT) as bundle:
        names = [PurePath(name) for name in bundle.namelist()]
    kept = {name.parts[0] for name in names if name.parts[0].endswith(".dist-info")}

    assert kept == {name.parts[0] for name in names if is_licence(name)}
    assert len(kept) == len(LOCK.read_text().split("==")) - 1


def test_what_is_heavy_is_known_by_name() -> None:
    built("arm64")

    with zipfile.ZipFile(ARTIFACT) as bundle:
        weights: Counter[str] = Counter()
        for each in bundle.infolist():
            weights[each.filename.partition("/")[0]] += each.compress_size

    assert HEAVY == {name for name, weight in weights.items() if weight > 1_000_000}


def test_bytecode_is_of_the_runtimes_version_and_never_checked_again(task: Path) -> None:
    ask = "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"
    argv = [str(find_interpreter(PYTHON)), "-c", ask]
    magic = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    heads = {path.read_bytes()[:8].hex() for path in task.rglob("*.pyc")}

    assert {magic + "01000000"} == heads  # PEP 552: by hash, unchecked
    assert set() == {
        path for path in task.rglob("*.py") if path.relative_to(task).parts[0] not in OUR_ROOMS
    }


@pytest.mark.parametrize("builder", ENTRANCES.values(), ids=list(ENTRANCES))
async def test_it_answers_under_the_real_runtime_client(
    environment: dict[str, str], place: Place, stores: Stores, builder: Builder
) -> None:
    async with running(HANDLER, environment, place=place) as function:
        reply = await (await function.api.invoke(chat(builder))).reply()

    assert (200, "gpt") == (reply["statusCode"], json.loads(reply["body"])["model"])
    assert (1, 0) == await accounts(stores)


async def test_management_and_schedules_start_from_it_too(
    environment: dict[str, str], place: Place
) -> None:
    bearer = [("Authorization", f"Bearer {MASTER_KEY}"), ("Content-Type", "application/json")]
    async with running("functions/admin/handler.handler", environment, place=place) as function:
        made = rest_api("POST", "/key/generate", bearer, b"{}")
        reply = await (await function.api.invoke(made)).reply()
    async with running("functions/ledger/handler.handler", environment, place=place) as function:
        ledger = await function.api.invoke({})

    assert (200, True) == (reply["statusCode"], json.loads(reply["body"])["key"].startswith("sk-"))
    assert "response" == ledger.kind


async def test_chunks_arrive_one_by_one(
    streaming: Function, provider: Provider, stores: Stores
) -> None:
    provider.next(Behaviour(holds=2))

    outcome = await streaming.api.invoke(chat(stream=True))
    await outcome.prelude()
    first = await outcome.piece()
    provider.release()
    body = await outcome.end()
    await streaming.api.polled(2)

    assert (True, True) == (first.startswith(b"data: {"), body.endswith(b"data: [DONE]\n\n"))
    assert (1, 0) == await accounts(stores)


async def test_a_vendor_that_breaks_off_is_an_error_event_and_billed(
    streaming: Function, provider: Provider, stores: Stores
) -> None:
    provider.next(Behaviour(resets=3))

    outcome = await streaming.api.invoke(chat(stream=True))
    body = await outcome.end()
    await streaming.api.polled(2)

    assert b'"error"' in body
    assert (1, 0) == await accounts(stores)


async def test_a_client_that_dies_is_billed(
    streaming: Function, provider: Provider, stores: Stores
) -> None:
    provider.next(Behaviour(holds=2))
    outcome = await streaming.api.invoke(chat(stream=True))
    await outcome.prelude()
    await outcome.piece()

    outcome.break_off()

    await streaming.api.polled(2)
    assert (1, 0) == await accounts(stores)


async def test_a_timeout_settles_before_it(
    streaming: Function, provider: Provider, stores: Stores
) -> None:
    provider.next(Behaviour(holds=2))

    outcome = await streaming.api.invoke(chat(stream=True), seconds=3)
    await outcome.end()
    await streaming.api.polled(2)

    assert (1, 0) == await accounts(stores)


async def test_a_process_that_was_frozen_between_calls_serves_the_next(
    streaming: Function, redis: Relay, vendor: Relay, stores: Stores
) -> None:
    await (await streaming.api.invoke(chat(stream=True))).end()
    await streaming.api.polled(2)

    streaming.process.send_signal(signal.SIGSTOP)
    redis.cut()
    vendor.cut()
    streaming.process.send_signal(signal.SIGCONT)
    outcome = await streaming.api.invoke(chat(stream=True))
    prelude, body = await outcome.streamed()
    await streaming.api.polled(3)

    assert (200, True) == (prelude["statusCode"], body.endswith(b"data: [DONE]\n\n"))
    assert (2, 0) == await accounts(stores)


async def test_a_call_that_was_frozen_midway_ends_and_is_billed(
    streaming: Function, redis: Relay, vendor: Relay, provider: Provider, stores: Stores
) -> None:
    provider.next(Behaviour(holds=2))
    outcome = await streaming.api.invoke(chat(stream=True))
    await outcome.prelude()
    await outcome.piece()

    streaming.process.send_signal(signal.SIGSTOP)
    redis.cut()
    vendor.cut()
    streaming.process.send_signal(signal.SIGCONT)
    body = await outcome.end()
    await streaming.api.polled(2)

    assert b'"error"' in body
    assert (1, 0) == await accounts(stores)

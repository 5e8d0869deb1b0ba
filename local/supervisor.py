"""Keep the parts of a stack running: each is started again when it ends, none stops another."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Protocol

from local.servers import Child, Program, StartFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.reaper import Reaper

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
STEADY_SECONDS = 10.0
READY_SECONDS = 60.0


class Part(Protocol):
    """One server of the stack."""

    @property
    def pid(self) -> int:
        """Its process number, 0 before the first start."""
        ...

    def start(self) -> None:
        """Start it and return when it serves; StartFailed when it does not."""
        ...

    def wait(self) -> int:
        """Wait until it ends; return its exit code, minus the signal when one ended it."""
        ...

    def stop(self) -> None:
        """End it in order and wait."""
        ...


class ProgramPart:
    """A part that is just a program, and a question that tells whether it serves."""

    def __init__(self, program: Program, reaper: Reaper, is_ready: Callable[[], bool]) -> None:
        self._program = program
        self._reaper = reaper
        self._is_ready = is_ready
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Its process number, 0 before the first start."""
        return self._child.pid if self._child else 0

    def start(self) -> None:
        """Start it and return when it serves."""
        self._child = Child(self._program, self._reaper)
        self._child.wait_until(self._is_ready, READY_SECONDS)

    def wait(self) -> int:
        """Wait until it ends."""
        return self._child.wait() if self._child else 0

    def stop(self) -> None:
        """End it in order and wait."""
        if self._child:
            self._child.stop()


class Supervisor:
    """Watches started parts, one thread each; `say` gets a line about each that ended."""

    def __init__(self, say: Callable[[str], None], on_change: Callable[[], None]) -> None:
        """Call `on_change` after every restart: a process number is a new one."""
        self._say = say
        self._on_change = on_change
        self._stopping = threading.Event()
        self._kept: list[tuple[Part, threading.Thread]] = []

    def keep(self, name: str, part: Part) -> None:
        """Watch a part that was started."""
        thread = threading.Thread(target=self._keep, args=(name, part), name=name)
        self._kept.append((part, thread))
        thread.start()

    def stop(self) -> None:
        """Stop the parts, the last one first."""
        self._stopping.set()
        for part, thread in reversed(self._kept):
            part.stop()
            thread.join()

    def _keep(self, name: str, part: Part) -> None:
        pause = FIRST_PAUSE
        while True:
            started = time.monotonic()
            code = part.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - started > STEADY_SECONDS:
                pause = FIRST_PAUSE
            self._say(f"{name} {_ending(code)}; starting it again")
            pause = self._restart(name, part, pause)

    def _restart(self, name: str, part: Part, pause: float) -> float:
        """Start a part until it comes up; return the pause before it may be tried once more."""
        while not self._stopping.wait(pause):
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                part.start()
            except (StartFailed, OSError) as failure:
                self._say(f"{name} did not start; trying again in {pause:.1f} s: {failure}")
                continue
            self._on_change()
            break
        if self._stopping.is_set():
            part.stop()
        return pause


def start_all(parts: Sequence[Part]) -> None:
    """Start parts side by side; raise the first failure when all have come up or failed."""
    failures: list[Exception] = []

    def start(part: Part) -> None:
        try:
            part.start()
        except Exception as failure:  # noqa: BLE001 - a thread hands it over, whatever it is
            failures.append(failure)

    threads = [threading.Thread(target=start, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:  # also when a signal says stop: what has begun to start must be there to be stopped
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"

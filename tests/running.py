"""`./tollgate up` as a process of its own: what it printed, where its parts are."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.servers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

PARTS = ("postgres", "redis", "door", "gateway", "schedules")
SECONDS = 60


@dataclass
class Running:
    """One `up`, and what it has printed."""

    data: Path
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    has_ended: bool = False
    read: threading.Condition = field(default_factory=threading.Condition)

    @property
    def stack(self) -> dict[str, object]:
        return json.loads((self.data / "stack.json").read_text())

    @property
    def pids(self) -> dict[str, int]:
        pids = self.stack["pids"]
        assert isinstance(pids, dict)
        return pids

    @property
    def url(self) -> str:
        return str(self.stack["gateway_url"])

    def follow(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.read:
                self.lines.append(line.rstrip("\n"))
                self.read.notify_all()
        with self.read:
            self.has_ended = True
            self.read.notify_all()

    def wait_for(self, pattern: str) -> str:
        def seen() -> str | None:
            return next((line for line in self.lines if re.search(pattern, line)), None)

        with self.read:
            self.read.wait_for(lambda: seen() or self.has_ended, SECONDS)
            found = seen()
        assert found, f"no line like {pattern!r} in {self.lines}"
        return found

    def redis(self, *command: object) -> object:
        return post(f"{self.stack['redis_rest_url']}", command, self.stack["redis_rest_token"])

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@contextmanager
def started(
    data: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> Generator[Running]:
    """Start a stack, wait until it is ready, and leave nothing of it in the end."""
    process = popen(data, "--port", "0", *arguments, environment=environment)
    running = Running(data, process)
    reader = threading.Thread(target=running.follow)
    reader.start()
    try:
        running.wait_for("^Data and logs")
        yield running
    finally:
        process.kill()
        process.wait()
        reader.join()
        if process.stdout:
            process.stdout.close()


def popen(
    data: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    own = {name: value for name, value in os.environ.items() if "MASTER_KEY" not in name}
    argv = [sys.executable, "-m", "local.cli", "up", "--data", str(data), *arguments]
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        env={**own, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def get(url: str, token: object) -> object:
    return _ask(url, None, token)


def post(url: str, body: object, token: object) -> object:
    return _ask(url, json.dumps(body).encode(), token)


def _ask(url: str, body: bytes | None, token: object) -> object:
    request = urllib.request.Request(  # noqa: S310 - loopback
        url,
        body,
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310 - loopback
            return json.load(reply)
    except urllib.error.HTTPError as error:
        return json.load(error)


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)

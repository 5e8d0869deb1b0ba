from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
import pytest

from local.reaper import is_alive
from local.servers import LOOPBACK, ROOT, free_port
from local.threads import listen

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
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
        return _post(f"{self.stack['redis_rest_url']}", command, self.stack["redis_rest_token"])

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@contextmanager
def _started(
    data: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> Generator[Running]:
    """Start a stack, wait until it is ready, and leave nothing of it in the end."""
    process = _popen(data, "--port", "0", *arguments, environment=environment)
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


def _popen(
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


@pytest.fixture(scope="module")
def running(scratch: Path) -> Iterator[Running]:
    """One stack for the tests that leave it as it is."""
    with _started(scratch / "up") as running:
        yield running


@pytest.fixture
def own(scratch: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    """A stack of this test's own, to be maltreated."""
    with _started(scratch / request.node.name) as running:
        yield running


def test_ready_line_is_the_first_and_names_the_address(running: Running) -> None:
    assert f"Tollgate is ready on {running.stack['gateway_url']}" == running.lines[0]


def test_stack_file_tells_where_everything_is(running: Running) -> None:
    stack = running.stack

    assert {
        "gateway_url",
        "database_url",
        "redis_rest_url",
        "redis_rest_token",
        "master_key",
        "pids",
    } == stack.keys()
    assert all(is_alive(running.pids[name]) for name in PARTS)


def test_stack_file_is_for_its_owner_only(running: Running) -> None:
    mode = (running.data / "stack.json").stat().st_mode

    assert 0o600 == stat.S_IMODE(mode)


def test_printed_curl_line_answers(running: Running) -> None:
    url, key, body = re.match(
        r"curl (\S+) -H 'Authorization: Bearer (\S+)' -H '[^']*' -d '(.*)'$",
        running.wait_for("^curl "),
    ).groups()  # pyright: ignore[reportOptionalMemberAccess] - no match fails the test

    answer = _post(url, json.loads(body), key)

    assert "This is the demo model. You said: Hello" in json.dumps(answer)


def test_schema_is_applied(running: Running) -> None:
    with psycopg.connect(str(running.stack["database_url"])) as session:
        session.execute("select token from litellm_verificationtoken")


def test_second_start_on_the_same_data_says_so(running: Running) -> None:
    with _popen(running.data, "--port", "0") as second:
        said, _ = second.communicate(timeout=SECONDS)

    assert (1, True) == (second.returncode, "already runs" in said)
    assert str(running.process.pid) in said


def test_taken_port_is_told(scratch: Path) -> None:
    port = free_port()
    with listen(port), _popen(scratch / "taken", "--port", str(port)) as second:
        said, _ = second.communicate(timeout=SECONDS)

    assert 1 == second.returncode
    assert f"cannot listen on {LOOPBACK} port {port}" in said


def test_wrong_configuration_is_told_with_its_line(scratch: Path) -> None:
    path = scratch / "wrong.yaml"
    path.write_text("model_list:\n  - model_name: a\n    litellm_params: {model: nowhere/b}\n")

    with _popen(scratch / "wrong", "--port", "0", "--config", str(path)) as second:
        said, _ = second.communicate(timeout=SECONDS)

    assert (1, True) == (second.returncode, f"{path}:3:" in said)


def test_unreachable_database_is_told(scratch: Path) -> None:
    nowhere = f"postgresql://me:secret@{LOOPBACK}:{free_port()}/db"
    with _popen(
        scratch / "nowhere",
        "--port",
        "0",
        environment={"DATABASE_URL": nowhere},
    ) as second:
        said, _ = second.communicate(timeout=SECONDS)

    assert (1, False) == (second.returncode, "secret" in said)
    assert "schema was not applied" in said


@pytest.mark.slow
def test_each_part_is_started_again_when_killed(own: Running) -> None:
    before, key = own.pids, own.stack["master_key"]
    addresses = {name: own.stack[name] for name in ("gateway_url", "database_url")}

    for name in PARTS:
        os.kill(before[name], signal.SIGKILL)
    for name in PARTS:
        own.wait_for(f"^{name} was ended by SIGKILL; starting it again")
    _until(lambda: all(own.pids[name] != before[name] for name in PARTS))

    assert addresses == {name: own.stack[name] for name in addresses}
    _until(lambda: own.redis("PING") == {"result": "PONG"})
    _until(lambda: "data" in str(_get(f"{own.stack['gateway_url']}/v1/models", key)))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_everything(own: Running, number: signal.Signals) -> None:
    pids = own.pids

    code = own.end(number)

    assert (0, []) == (code, [name for name in PARTS if is_alive(pids[name])])
    assert not (own.data / "stack.json").exists()


@pytest.mark.slow
def test_kill_leaves_no_process_and_the_next_start_works(own: Running) -> None:
    pids = own.pids

    own.end(signal.SIGKILL)

    with _started(own.data):  # it waits for what the killed one left
        assert not [name for name in PARTS if is_alive(pids[name])]


@pytest.mark.slow
def test_everything_is_kept_between_runs(own: Running) -> None:
    key = own.stack["master_key"]
    own.redis("SET", "kept", "yes")
    with psycopg.connect(str(own.stack["database_url"])) as session:
        session.execute("create table kept (id int)")
    own.end()

    with _started(own.data) as again:
        assert (key, {"result": "yes"}) == (again.stack["master_key"], again.redis("GET", "kept"))
        with psycopg.connect(str(again.stack["database_url"])) as session:
            session.execute("select id from kept")


@pytest.mark.slow
def test_master_key_of_the_environment_is_taken(scratch: Path) -> None:
    with _started(scratch / "given", environment={"LITELLM_MASTER_KEY": "sk-1234"}) as running:
        assert "sk-1234" == running.stack["master_key"]


def _get(url: str, token: object) -> object:
    return _ask(url, None, token)


def _post(url: str, body: object, token: object) -> object:
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


def _until(is_so: object) -> None:
    assert callable(is_so)
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)

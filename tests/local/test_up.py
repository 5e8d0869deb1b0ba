from __future__ import annotations

import json
import os
import re
import signal
import stat
from typing import TYPE_CHECKING

import psycopg
import pytest

from local.reaper import is_alive
from local.servers import LOOPBACK, free_port
from local.threads import listen
from tests.running import PARTS, SECONDS, Running, get, popen, post, started, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running(scratch: Path) -> Iterator[Running]:
    """One stack for the tests that leave it as it is."""
    with started(scratch / "up") as running:
        yield running


@pytest.fixture
def own(scratch: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    """A stack of this test's own, to be maltreated."""
    with started(scratch / request.node.name) as running:
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

    answer = post(url, json.loads(body), key)

    assert "This is the demo model. You said: Hello" in json.dumps(answer)


def test_schema_is_applied(running: Running) -> None:
    with psycopg.connect(str(running.stack["database_url"])) as session:
        session.execute("select token from litellm_verificationtoken")


def test_second_start_on_the_same_data_says_so(running: Running) -> None:
    with popen(running.data, "--port", "0") as second:
        said, _ = second.communicate(timeout=SECONDS)

    assert (1, True) == (second.returncode, "already runs" in said)
    assert str(running.process.pid) in said


def test_taken_port_is_told(scratch: Path) -> None:
    port = free_port()
    with listen(port), popen(scratch / "taken", "--port", str(port)) as second:
        said, _ = second.communicate(timeout=SECONDS)

    assert 1 == second.returncode
    assert f"cannot listen on {LOOPBACK} port {port}" in said


def test_wrong_configuration_is_told_with_its_line(scratch: Path) -> None:
    path = scratch / "wrong.yaml"
    path.write_text("model_list:\n  - model_name: a\n    litellm_params: {model: nowhere/b}\n")

    with popen(scratch / "wrong", "--port", "0", "--config", str(path)) as second:
        said, _ = second.communicate(timeout=SECONDS)

    assert (1, True) == (second.returncode, f"{path}:3:" in said)


def test_unreachable_database_is_told(scratch: Path) -> None:
    nowhere = f"postgresql://me:secret@{LOOPBACK}:{free_port()}/db"
    with popen(
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
    until(lambda: all(own.pids[name] != before[name] for name in PARTS))

    assert addresses == {name: own.stack[name] for name in addresses}
    until(lambda: own.redis("PING") == {"result": "PONG"})
    until(lambda: "data" in str(get(f"{own.stack['gateway_url']}/v1/models", key)))


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

    with started(own.data):  # it waits for what the killed one left
        assert not [name for name in PARTS if is_alive(pids[name])]


@pytest.mark.slow
def test_everything_is_kept_between_runs(own: Running) -> None:
    key = own.stack["master_key"]
    own.redis("SET", "kept", "yes")
    with psycopg.connect(str(own.stack["database_url"])) as session:
        session.execute("create table kept (id int)")
    own.end()

    with started(own.data) as again:
        assert (key, {"result": "yes"}) == (again.stack["master_key"], again.redis("GET", "kept"))
        with psycopg.connect(str(again.stack["database_url"])) as session:
            session.execute("select id from kept")


@pytest.mark.slow
def test_master_key_of_the_environment_is_taken(scratch: Path) -> None:
    with started(scratch / "given", environment={"LITELLM_MASTER_KEY": "sk-1234"}) as running:
        assert "sk-1234" == running.stack["master_key"]

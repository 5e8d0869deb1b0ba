"""`./tollgate up`: start everything, say where it is, and leave no process behind."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.builtin_config import builtin_config
from local.config_file import ConfigFileError, check_file
from local.data_directory import DataDirectory, InUse, Unusable
from local.demo.app import app as demo
from local.reaper import Reaper
from local.servers import ROOT, StartFailed
from local.stack import Stack
from local.supervisor import Supervisor, start_all
from local.threads import ServerThread, listen
from shared.config.loading import ConfigError, load_config
from shared.errors import PostgresDown
from shared.storage.schema import apply_schema

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    host: str
    port: int
    config: Path | None
    data: Path


class Stopped(BaseException):
    """A signal asked for the end; a second one does not wait for it."""


def up(options: Options) -> int:
    """Run the stack until a signal; return the exit code."""
    for number in SIGNALS:
        signal.signal(number, _stop)
    try:
        with ExitStack() as cleanup:
            _run(options, cleanup)
    except Stopped:
        _say("Tollgate has stopped.")
        return 0
    except (InUse, Unusable, StartFailed, ConfigFileError, ConfigError, PostgresDown) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(options: Options, cleanup: ExitStack) -> None:
    """Start everything and wait; what `cleanup` has learnt is undone backwards in any case."""
    data = DataDirectory(options.data)
    cleanup.callback(data.close)
    try:
        listener = listen(options.port, options.host)
    except StartFailed as failure:
        raise StartFailed(f"{failure}; --port chooses another") from failure
    cleanup.callback(listener.close)
    provider = ServerThread(demo)
    provider.start()
    cleanup.callback(provider.stop)
    environment = dict(os.environ)
    environment.setdefault("DEMO_API_BASE", f"{provider.url}/v1")
    environment["TOLLGATE_CONFIG"] = str(_compile(options.config, data, environment))
    reaper = Reaper(keep_open=[data.lock])
    cleanup.callback(reaper.close)
    stack = Stack(data, reaper, options.host, listener, environment)
    cleanup.callback(stack.close)
    for part in stack.parts.values():
        cleanup.callback(part.stop)
    supervisor = Supervisor(_say, stack.tell)
    cleanup.callback(supervisor.stop)
    _start(stack, supervisor)
    stack.tell()
    _greet(stack, options)
    while True:
        signal.pause()


def _compile(config: Path | None, data: DataDirectory, environment: dict[str, str]) -> Path:
    """Write the configuration as the functions load it, and load it once to see that they can."""
    if config is None:
        compiled = json.dumps(builtin_config(environment))
    else:
        checked = check_file(config)
        compiled = checked.compiled
        for warning in checked.warnings:
            print(warning, file=sys.stderr)
    path = data.write("config.json", compiled)
    load_config(str(path), environment)
    return path


def _start(stack: Stack, supervisor: Supervisor) -> None:
    schema = (ROOT / "schema.sql").read_text()
    is_postgres_ours = "postgres" in stack.stores
    if not is_postgres_ours:  # a wrong DATABASE_URL is told before anything starts
        apply_schema(stack.database_url, schema)
    start_all([*stack.stores.values(), stack.gateway])
    if is_postgres_ours:
        apply_schema(stack.database_url, schema)
    stack.schedules.start()
    for name, part in stack.parts.items():
        supervisor.keep(name, part)


def _greet(stack: Stack, options: Options) -> None:
    body = '{"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}'
    _say(f"Tollgate is ready on {stack.address.url}")
    _say(f"Master key: {stack.master_key}")
    _say("Try it:")
    _say(
        f"curl {stack.address.local_url}/v1/chat/completions "
        f"-H 'Authorization: Bearer {stack.master_key}' "
        f"-H 'Content-Type: application/json' -d '{body}'",
    )
    _say(f"Data and logs are in {options.data}; Ctrl-C stops everything.")


def _say(line: str) -> None:
    # In one piece: several threads say something when several parts end at once.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _stop(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, _give_up)
    raise Stopped(number)


def _give_up(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)  # the reaper ends what is still running

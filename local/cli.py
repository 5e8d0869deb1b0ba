"""The command line behind `./tollgate`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from local.servers import ROOT

TOOLS = Path(sys.executable).parent
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("pyright",),
    ("lint-imports",),
)
# Contiguous halves first, so that what a module shares is made once; who is done early helps out.
WORKERS = ("-n", "auto", "--maxprocesses", "4", "--dist", "worksteal")

app = typer.Typer(
    help="A serverless LLM gateway that speaks the LiteLLM Proxy API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def up(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 4000,
    config: Annotated[
        Path | None,
        typer.Option(help="A config.yaml in LiteLLM's format; without one there is a demo model."),
    ] = None,
    data: Annotated[Path, typer.Option(help="The directory that keeps everything.")] = Path(
        ".tollgate",
    ),
) -> None:
    """Run the gateway with all it needs on this machine."""
    from local.up import Options  # noqa: PLC0415 - only this command needs the servers
    from local.up import up as run_up  # noqa: PLC0415

    raise typer.Exit(run_up(Options(host=host, port=port, config=config, data=data)))


@app.command("check-config")
def check_config(
    file: Annotated[Path, typer.Argument(help="A config.yaml in LiteLLM's format.")],
) -> None:
    """Tell everything that is wrong with a configuration file, with its line."""
    from local.config_file import ConfigFileError, check_file  # noqa: PLC0415 - YAML is slow

    try:
        checked = check_file(file)
    except ConfigFileError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    for warning in checked.warnings:
        print(f"warning: {warning}")
    print(f"{file} is valid.")


@app.command()
def models(
    data: Annotated[Path, typer.Option(help="The directory that `up` keeps everything in.")] = Path(
        ".tollgate",
    ),
) -> None:
    """Show the deployments of a running gateway: cooling or not, busy, how fast."""
    from local.operations import NotRunning, show_models  # noqa: PLC0415 - needs the stores

    try:
        show_models(data)
    except NotRunning as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error


@app.command("rotate-secrets")
def rotate_secrets() -> None:
    """Seal anew what TOLLGATE_PREVIOUS_SALT_KEYS sealed, in the environment's database."""
    from local.operations import rotate  # noqa: PLC0415 - needs the stores

    print(f"{rotate()} secrets were sealed anew.")


@app.command("replay-journal")
def replay_journal(
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(help="A log with SPEND_JOURNAL lines, or - for standard input."),
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="The directory of a running `up`; else the environment's DATABASE_URL."),
    ] = None,
) -> None:
    """Book the rows of a log that no store would take, in the environment's database."""
    from local.operations import NotRunning  # noqa: PLC0415 - needs the stores
    from local.operations import replay_journal as run_replay  # noqa: PLC0415 - likewise
    from shared.errors import StoreDown  # noqa: PLC0415 - likewise

    try:
        report = run_replay(file, data)
    except (NotRunning, StoreDown) as error:
        print(f"{error} Nothing is lost: run it again.", file=sys.stderr)
        raise typer.Exit(1) from error
    print(f"{report.read} rows: {report.booked} booked, {report.known} known already.")
    for why in report.refused:
        print(f"refused: {why}", file=sys.stderr)
    raise typer.Exit(1 if report.refused else 0)


@app.command()
def migrate(
    stage: Annotated[
        str,
        typer.Option(help="The stage whose database it is; without one DATABASE_URL says which."),
    ] = "",
    *,
    is_dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be added, and add nothing.")
    ] = False,
) -> None:
    """Bring a database up to schema.sql; what would take something away is refused."""
    from local.migrating import NoDatabase, database_of, run  # noqa: PLC0415 - needs the driver
    from shared.errors import StoreDown  # noqa: PLC0415 - likewise
    from shared.storage.schema import Destructive  # noqa: PLC0415 - likewise

    try:
        for line in run(database_of(stage), is_dry_run=is_dry_run):
            print(line)
    except NoDatabase as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    except Destructive as error:
        print(f"Refused, and nothing was changed: {error}.", file=sys.stderr)
        raise typer.Exit(1) from error
    except StoreDown as error:
        print(f"{error} Nothing was changed.", file=sys.stderr)
        raise typer.Exit(1) from error


@app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The benchmark, as its module in bench/ is called.")],
) -> None:
    """Measure something, beside what it is to be compared with; further arguments go to it."""
    known = sorted(path.stem for path in (ROOT / "bench").glob("[a-z]*.py"))
    if name not in known:
        print(f"There is no benchmark {name}; there are: {', '.join(known)}.", file=sys.stderr)
        raise typer.Exit(2)
    raise typer.Exit(_run_module(f"bench.{name}", *context.args))


@app.command("cost")
def cost() -> None:
    """Print what a million calls cost on AWS at each front door, and by which assumptions."""
    from local.costs import tables  # noqa: PLC0415 - only this command needs it

    print(tables())


@app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_tests(
    context: typer.Context,
    *,
    is_all: Annotated[bool, typer.Option("--all", help="Also the slow tests.")] = False,
) -> None:
    """Run the tests; further arguments go to pytest, such as `-n 0` for one process.

    The quick ones run in a process for each core, with servers of its own; the slow ones share
    installations and measure, so that all of them run one after the other.
    """
    tier = [] if is_all else [*WORKERS, "-m", "not slow"]
    argv = _argv("pytest", *tier, *context.args)
    os.chdir(ROOT)
    os.execve(argv[0], argv, _environment())  # noqa: S606 - pytest gets every signal itself


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def clients(context: typer.Context) -> None:
    """Run other people's clients against a gateway and print client by flow; needs Node."""
    raise typer.Exit(_run_module("tests.clients.table", *context.args))


@app.command()
def check() -> None:
    """Run everything that looks at the code without running it."""
    failed = [" ".join(each) for each in CHECKS if _run(*each)]
    for each in failed:
        print(f"failed: {each}", file=sys.stderr)
    raise typer.Exit(1 if failed else 0)


def _run(name: str, *arguments: str) -> int:
    """Run a tool in the repository; return its exit code."""
    argv = _argv(name, *arguments)
    return subprocess.run(argv, cwd=ROOT, env=_environment(), check=False).returncode


def _run_module(name: str, *arguments: str) -> int:
    """Run a module of the repository; return its exit code."""
    argv = [sys.executable, "-m", name, *arguments]
    return subprocess.run(argv, cwd=ROOT, env=_environment(), check=False).returncode


def _argv(name: str, *arguments: str) -> list[str]:
    """Return the command line of a tool of this environment, having shown it."""
    print(f"$ {name} {' '.join(arguments)}", flush=True)
    return [str(TOOLS / name), *arguments]


def _environment() -> dict[str, str]:
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{path}"}


if __name__ == "__main__":
    app(prog_name="tollgate")

"""The script `tollgate`, which runs before anything is installed."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from local.cli import app
from local.servers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = ROOT / "tollgate"

# Stands for every tool: writes down how it was called, and makes what `venv` would make.
FAKE_PYTHON = """#!/bin/sh
echo "$@" >> {log}
case "$*" in *"import pip"*) {python} -c "import sys; print(sys.version)";; esac
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a module
    """The script as a module whose repository is a temporary one."""
    loader = importlib.machinery.SourceFileLoader("bootstrap", str(SCRIPT))
    spec = importlib.util.spec_from_loader("bootstrap", loader)
    assert spec
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module: Any = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    module.ROOT = tmp_path
    module.VENV = tmp_path / ".venv"
    module.STAMP = module.VENV / ".tollgate"
    module.PYTHON = module.VENV / "bin" / "python"
    (tmp_path / "requirements").mkdir()
    for lock in ("run", "dev"):
        path = tmp_path / "requirements" / f"{lock}.txt"
        path.write_text(f"one==1 \\\n    --hash=sha256:{lock}\n")
    return module


@pytest.fixture
def fake_venv(script: Any, tmp_path: Path) -> Path:  # noqa: ANN401 - a module
    """A .venv whose python only writes down its arguments; returns where."""
    log = tmp_path / "calls"
    script.PYTHON.parent.mkdir(parents=True)
    script.PYTHON.write_text(FAKE_PYTHON.format(log=log, python=sys.executable))
    script.PYTHON.chmod(0o755)
    return log


def test_first_start_installs_the_lock_by_hashes(script: Any, fake_venv: Path) -> None:  # noqa: ANN401
    script.prepare("run")

    installed = fake_venv.read_text().splitlines()[-1]
    assert "--require-hashes" in installed
    assert "--only-binary :all:" in installed
    assert installed.endswith("requirements/run.txt")


def test_later_start_runs_nothing(script: Any, fake_venv: Path) -> None:  # noqa: ANN401
    script.prepare("run")
    calls = fake_venv.read_text()

    script.prepare("run")

    assert calls == fake_venv.read_text()


def test_what_is_installed_for_tests_is_enough_to_run(script: Any, fake_venv: Path) -> None:  # noqa: ANN401
    script.prepare("dev")
    calls = fake_venv.read_text()

    script.prepare("run")

    assert calls == fake_venv.read_text()


def test_tests_need_more_than_what_runs(script: Any, fake_venv: Path) -> None:  # noqa: ANN401
    script.prepare("run")

    script.prepare("dev")

    assert fake_venv.read_text().splitlines()[-1].endswith("requirements/dev.txt")


def test_a_changed_lock_is_installed(script: Any, fake_venv: Path) -> None:  # noqa: ANN401
    script.prepare("run")
    calls = fake_venv.read_text()

    script.lock_file("run").write_text("one==2\n")
    script.prepare("run")

    assert calls != fake_venv.read_text()


def test_failed_install_is_told_and_tried_again(
    script: Any,  # noqa: ANN401
    fake_venv: Path,
) -> None:
    with script.PYTHON.open("a") as python:
        python.write('case "$*" in *" install "*) echo no such hash; exit 1;; esac\n')

    with pytest.raises(SystemExit, match="no such hash"):
        script.prepare("run")

    assert fake_venv.exists()
    assert not script.is_prepared("run")


def test_python_without_venv_gives_the_line_to_type(
    script: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(SystemExit, match="apt install python3-venv"):
        script.prepare("run")


def test_older_python_makes_way_for_a_newer_one(
    script: Any,  # noqa: ANN401
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text("#!/bin/sh\n")
    newer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, argv: started.append(argv))
    monkeypatch.setattr(sys, "exit", lambda _: None)

    script.start_newer_python()

    assert [[str(newer), str(SCRIPT), *sys.argv[1:]]] == started


@pytest.mark.parametrize(("arguments", "code"), [([], 0), (["--help"], 0), (["dance"], 2)])
def test_usage_needs_no_installation(arguments: list[str], code: int) -> None:
    told = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (code, True) == (told.returncode, told.stdout.startswith("Usage: ./tollgate COMMAND"))


def test_every_command_of_the_command_line_is_reachable_and_explained(
    script: Any,  # noqa: ANN401 - a module
) -> None:
    commands = set(typer.main.get_group(app).commands)

    assert commands == set(script.LOCKS)
    assert [] == [name for name in sorted(commands) if f"\n  {name} " not in script.USAGE]


def test_quick_tests_share_the_cores_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(os, "execve", lambda _, argv, __: started.append(argv[1:]))

    for arguments in (["tests/wire"], ["-n", "0", "-x"], ["--all"]):
        CliRunner().invoke(app, ["test", *arguments])

    whole, alone, slow = started
    assert ["-m", "not slow", "tests/wire"] == whole[-3:]
    assert ("-n", "auto") == tuple(whole[:2])
    assert ["-n", "0", "-x"] == alone[-3:]
    assert [] == slow

"""`./tollgate migrate`: which database it is, what it says, what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from local.servers import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def migrate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "local.cli", "migrate", *arguments],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def aws_that_says(folder: Path, script: str) -> str:
    """A path with an `aws` of the test's own before everything else."""
    program = folder / "aws"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_the_database_of_a_stage_is_read_from_its_parameter(
    postgres_dsn: str, tmp_path: Path
) -> None:
    path = aws_that_says(tmp_path, f"echo \"$@\" >> {tmp_path}/asked; echo '{postgres_dsn}'")

    done = migrate("--stage", "dev", "--dry-run", PATH=path)

    assert (0, True) == (done.returncode, done.stdout.startswith("0 additions"))
    assert "--name /tollgate/dev/gateway/DATABASE_URL" in (tmp_path / "asked").read_text()


def test_a_stage_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    path = aws_that_says(tmp_path, "echo ParameterNotFound >&2; exit 254")

    done = migrate("--stage", "nosuch", PATH=path)

    assert (2, "") == (done.returncode, done.stdout)
    assert "/tollgate/nosuch/gateway/DATABASE_URL cannot be read: ParameterNotFound" in done.stderr


def test_without_a_stage_or_a_url_it_asks_for_one() -> None:
    done = migrate()

    assert (2, True) == (done.returncode, "Say which database" in done.stderr)


def test_without_the_aws_command_line_it_says_how_to_get_it(tmp_path: Path) -> None:
    done = migrate("--stage", "dev", PATH=str(tmp_path))

    assert (2, True) == (done.returncode, "apt install awscli" in done.stderr)

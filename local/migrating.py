"""Migrate a database: of a stage on AWS, or the one that DATABASE_URL names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from local.servers import ROOT
from shared.storage.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGE = re.compile(r"[A-Za-z0-9_-]+")


class NoDatabase(Exception):  # noqa: N818 - reads as a sentence
    """Nobody says which database it is."""


def run(database_url: str, *, is_dry_run: bool) -> Iterator[str]:
    """Migrate, and say line by line what was added."""
    schema = (ROOT / "schema.sql").read_text(encoding="utf-8")
    added = migrate(database_url, schema, is_dry_run=is_dry_run)
    verb = "would add" if is_dry_run else "added"
    yield from (f"{verb} {each}" for each in added)
    yield f"{len(added)} additions; functions, views and indexes are as schema.sql has them."


def database_of(stage: str) -> str:
    """Return a stage's URL from its SSM parameter, or without a stage the environment's."""
    if stage:
        return _parameter(stage)
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        raise NoDatabase("Say which database: --stage STAGE, or DATABASE_URL in the environment.")
    return url


def _parameter(stage: str) -> str:
    """Ask the AWS command line, whose credentials and region are the operator's own."""
    if not STAGE.fullmatch(stage):
        raise NoDatabase(f"{stage!r} is no name of a stage.")
    aws = shutil.which("aws")
    if aws is None:
        raise NoDatabase(
            "The AWS command line is needed to read the stage's DATABASE_URL: apt install awscli; "
            "or give it as DATABASE_URL in the environment, without --stage."
        )
    name = f"/tollgate/{stage}/gateway/DATABASE_URL"
    argv = [aws, "ssm", "get-parameter", "--with-decryption", "--name", name]
    argv += ["--query", "Parameter.Value", "--output", "text"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDatabase(f"The parameter {name} cannot be read: {done.stderr.strip()}")
    return done.stdout.strip()

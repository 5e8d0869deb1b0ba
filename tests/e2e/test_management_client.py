"""LiteLLM's own management client and command line against a running gateway."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.outside import python_of

if TYPE_CHECKING:
    from tests.running import Running

PROGRAM = Path(__file__).parent / "litellm_management.py"
SECONDS = 300


def run(*argv: str, **environment: str) -> str:
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", **environment},
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_litellms_client_makes_lists_changes_and_deletes(running: Running) -> None:
    python = str(python_of("litellm"))

    told = run(python, str(PROGRAM), running.url, str(running.stack["master_key"]))

    assert "all is as LiteLLM's client expects" in told

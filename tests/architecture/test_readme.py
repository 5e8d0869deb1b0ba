"""The README's examples do what it says, pasted one after the other into a terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.config_file import check_text

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS: list[tuple[str, str]] = BLOCK.findall(README)
CALLS_MADE = 4
PATIENCE_SECONDS = 20


class Terminal:
    """A shell beside a running stack: what one paste exports, the next one finds."""

    def __init__(self, directory: Path, url: str) -> None:
        self._directory = directory
        self._url = url
        self._exported = directory / "exported"
        self._exported.touch()
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = {"PATH": tools, "HOME": str(directory)}

    def paste(self, language: str, text: str) -> str:
        """Run a block and return what it printed; only the port is not the README's."""
        text = re.sub(r"(?<=export TOLLGATE_URL=)\S+", self._url, text)
        if language == "python":
            text = f"python3 - <<'PYTHON'\n{text}PYTHON\n"
        keep = f"source {self._exported}\n{text}\nexport -p > {self._exported}\n"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", keep],  # noqa: S607
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal in the directory where `./tollgate up` was started."""
    directory = tmp_path_factory.mktemp("readme")
    log = directory / "log"
    with log.open("wb") as errors:
        up = subprocess.Popen(
            [sys.executable, "-m", "local.cli", "up", "--port", "0", "--data", ".tollgate"],
            cwd=directory,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        ready = next((line for line in up.stdout or () if " is ready on " in line), None)
        assert ready, log.read_text()
        yield Terminal(directory, ready.split()[-1])
    finally:
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=PATIENCE_SECONDS)


def documents(text: str) -> list[Any]:
    """Read JSON documents that follow one another."""
    found: list[Any] = []
    while text := text.strip():
        document, end = json.JSONDecoder(parse_float=Decimal).raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def test_the_examples_work_as_pasted(terminal: Terminal) -> None:
    blocks = [block for block in BLOCKS if block[0] in {"bash", "python"}]
    curl, sdk, spend = blocks[-3:]

    for block in blocks[:-3]:
        terminal.paste(*block)
    answer = documents(terminal.paste(*curl))[0]
    printed = terminal.paste(*sdk)
    deadline = time.monotonic() + PATIENCE_SECONDS
    info, rows = documents(terminal.paste(*spend))
    while len(rows) < CALLS_MADE and time.monotonic() < deadline:
        info, rows = documents(terminal.paste(*spend))

    assert "demo" == answer["model"]
    assert 2 == printed.count(answer["choices"][0]["message"]["content"])
    assert "2 vectors" in printed
    assert CALLS_MADE == len(rows)
    assert 0 < info["info"]["spend"] == sum(row["spend"] for row in rows)


def test_the_example_configuration_is_accepted_without_a_warning() -> None:
    [text] = [text for language, text in BLOCKS if language == "yaml"]

    assert () == check_text(text, "config.yaml").warnings

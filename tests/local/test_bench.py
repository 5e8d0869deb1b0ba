"""Benchmarks of bench/: they run, and print what they compare with. No number is asserted."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local.servers import ROOT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "local.cli", "bench", *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_lists_the_benchmarks() -> None:
    named, unknown = bench(), bench("nothing")

    assert (0, 2) == (named.returncode, unknown.returncode)
    assert "stream" in named.stdout


@pytest.mark.slow
def test_a_translated_chunk_is_measured_against_one_passed_through() -> None:
    done = bench("stream", "--chunks", "20", "--rounds", "1")

    assert 0 == done.returncode, done.stderr
    rows = [line for line in done.stdout.splitlines() if "µs" in line]
    assert 10 == len(rows)
    assert rows[1].startswith("passed through")
    assert rows[1].endswith("1.00")

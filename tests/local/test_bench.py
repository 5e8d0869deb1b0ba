"""Benchmarks of bench/: they run, and print what they compare with. No number is asserted."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local.servers import ROOT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "local.cli", "bench", *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def test_who_asks_for_none_there_is_hears_which_there_are() -> None:
    done = bench("nothing")

    assert (2, True) == (done.returncode, "stream" in done.stderr)


@pytest.mark.slow
def test_a_translated_chunk_is_measured_against_one_passed_through() -> None:
    done = bench("stream", "--chunks", "20", "--rounds", "1")

    assert 0 == done.returncode, done.stderr
    rows = [line for line in done.stdout.splitlines() if "µs" in line]
    assert 10 == len(rows)
    assert rows[1].startswith("passed through")
    assert rows[1].endswith("1.00")

"""Moments and amounts as a test's SQL writes them."""

from __future__ import annotations

import time

from shared.domain import Millis


def now() -> Millis:
    """The clock of the jobs, which is not the gateway's."""
    return Millis(time.time_ns() // 1_000_000)


def dollars(thousandths: int | None) -> str | None:
    """So many thousandths of a dollar."""
    return None if thousandths is None else f"0.{thousandths:03}"


def at(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 1000)) + f".{moment % 1000:03}Z"


def sql_of(moment: int) -> str:
    return f"'{at(moment)}'::timestamptz"

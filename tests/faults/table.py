"""The table of faults in docs/money.md: written by the run that caused them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.faults.stage import Outcome

PAGE = Path(__file__).parents[2] / "docs" / "money.md"
BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->"
HEAD = (
    "| fault | requests | answered | lost | doubled | overshoot | worst latency |\n"
    "|---|---:|---:|---:|---:|---:|---:|\n"
)


def names_in(page: str) -> list[str]:
    """Return the faults that the page's table names."""
    table = page.partition(BEGIN)[2].partition(END)[0]
    return re.findall(r"^\| (?!fault )([^|-][^|]*?) \|", table, re.MULTILINE)


def write(found: Mapping[str, Outcome], order: list[str], path: Path = PAGE) -> None:
    """Put these outcomes into the page; what this run did not cause stays as it was."""
    page = path.read_text()
    before, _, rest = page.partition(BEGIN)
    table, _, after = rest.partition(END)
    lines = {name: line for line in table.splitlines() for name in names_in(BEGIN + line + END)}
    lines |= {name: _line(name, outcome) for name, outcome in found.items()}
    body = "".join(f"{lines[name]}\n" for name in order if name in lines)
    path.write_text(f"{before}{BEGIN}{HEAD}{body}{END}{after}")


def _line(name: str, outcome: Outcome) -> str:
    worst = f"{outcome.worst_ms:,.0f} ms" if outcome.worst_ms else "-"
    overshoot = "0" if outcome.overshoot == 0 else f"${outcome.overshoot / 1e9:.9f}"
    counts = f"{outcome.requests} | {outcome.answered} | {outcome.lost} | {outcome.doubled}"
    return f"| {name} | {counts} | {overshoot} | {worst} |"

"""The auditor's page names every fault that the tests cause, and shows that none costs money."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.faults import table
from tests.faults.names import FAULTS
from tests.faults.stage import Outcome

if TYPE_CHECKING:
    from pathlib import Path


def test_the_page_names_every_fault() -> None:
    assert list(FAULTS) == table.names_in(table.PAGE.read_text())


def test_the_page_shows_nothing_lost_doubled_or_overspent() -> None:
    rows = table.PAGE.read_text().partition(table.BEGIN)[2].partition(table.END)[0]

    found = re.findall(r"^\| [^|]+ \| \d+ \| \d+ \| (\d+) \| (\d+) \| (\S+) \|", rows, re.MULTILINE)

    assert {("0", "0", "0")} == set(found)
    assert len(FAULTS) == len(found)


def test_a_run_puts_its_outcomes_into_the_table_and_keeps_the_others(tmp_path: Path) -> None:
    page, known = tmp_path / "money.md", "| b | 1 | 1 | 0 | 0 | 0 | 5 ms |\n"
    page.write_text(f"before\n{table.BEGIN}{table.HEAD}{known}{table.END}\nafter")

    table.write({"a": Outcome(9, 8, 0, 0, 0, 1234.5)}, ["a", "b"], page)

    assert ["a", "b"] == table.names_in(page.read_text())
    assert "| a | 9 | 8 | 0 | 0 | 0 | 1,234 ms |" in page.read_text()
    assert page.read_text().endswith("after")

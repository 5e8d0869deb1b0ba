"""The table client by flow: `python -m tests.clients.table` runs every client and prints it.

With `--write` it goes into docs/clients.md as well.
"""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.clients.runs import CLIENTS, run, stack, versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
MARKS = ("<!-- table -->\n", "<!-- end of table -->")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "raw"),
    "stream": ("stream", "asynchronous"),
    "tools": ("tools", "agent", "several"),
    "tools in a stream": ("tools_streamed",),
    "JSON schema": ("json_schema",),
    "Responses": ("responses", "responses_streamed", "responses_parsed"),
    "Messages": ("messages", "messages_streamed", "messages_tools"),
    "embeddings": ("embeddings",),
    "count": ("count_tokens",),
    "models": ("models",),
    "401, 429, 400": ("wrong_key", "too_often", "bad_request", "errors"),
}
"""The flows of the programs, put together."""


@dataclass(frozen=True)
class Row:
    """One client at one model."""

    client: str
    packages: str
    model: str
    results: Mapping[str, str]


def rendered(rows: Iterable[Row]) -> str:
    """Write the table; a client's name and packages stand once."""
    lines = [
        "| client | model of | " + " | ".join(COLUMNS) + " |",
        "|---|---|" + "---|" * len(COLUMNS),
    ]
    named = ""
    for row in rows:
        client = "" if row.client == named else f"{row.client}<br>{row.packages}"
        named = row.client
        vendor = {"gpt": "OpenAI's kind", "claude": "Anthropic", "flash": "Google"}[row.model]
        cells = " | ".join(_cell(row.results, flows) for flows in COLUMNS.values())
        lines.append(f"| {client} | {vendor} | {cells} |")
    return "\n".join(lines) + "\n"


def _cell(results: Mapping[str, str], flows: Iterable[str]) -> str:
    found = [results[flow] for flow in flows if flow in results]
    if not found:
        return "–"  # noqa: RUF001 - a dash
    return "ok" if set(found) == {"ok"} else "**fails**"


def main() -> int:
    """Run every client; return how many flows failed."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as home, stack(Path(home)) as at:
        for client in CLIENTS:
            for model in client.models:
                row = Row(client.name, versions(client), model, run(client, model, at))
                rows.append(row)
                for flow, result in row.results.items():
                    print(f"{client.name:<22} {model:<7} {flow:<20} {result}", flush=True)  # noqa: T201
    table = rendered(rows)
    print(table)  # noqa: T201
    if "--write" in sys.argv:
        before, _, after = PAGE.read_text().partition(MARKS[0])
        _, end, rest = after.partition(MARKS[1])
        dated = re.sub(r"Last run: .*", f"Last run: {datetime.now(UTC).date()}.", before)
        PAGE.write_text(dated + MARKS[0] + table + end + rest)
    return sum(result != "ok" for row in rows for result in row.results.values())


if __name__ == "__main__":
    sys.exit(min(main(), 1))

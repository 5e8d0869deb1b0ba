"""Daily activity as a table to take along: CSV for spreadsheets, or JSON."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.activity import filter_of
from shared.errors import BadRequest
from shared.storage.spend_reports import export_days
from shared.wire.admin_reports import ExportRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.spend_reports import Kind, ReportFilter
    from shared.wire.admin_reports import ActivityExport

ROWS_AT_MOST: Final = 20_000
"""A function may answer 6 MB at most."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


async def export_activity(
    desk: Desk, caller: Caller, kind: Kind, query: ActivityExport, now: Millis
) -> tuple[list[ExportRow], str]:
    """Return the rows, the oldest day first, and what the file is to be called."""
    which = filter_of(caller, kind, query, now)
    rows = await export_days(desk.stores.postgres, which, query.export_type, ROWS_AT_MOST + 1)
    if len(rows) > ROWS_AT_MOST:
        raise BadRequest("That is too much at once: narrow the dates.", param="start_date")
    return rows, _filename(kind, which, query)


def csv_of(rows: Sequence[ExportRow]) -> str:
    """Write rows as CSV; a text that a spreadsheet would calculate is quoted."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(ExportRow.model_fields)
    writer.writerows([_cell(value) for _, value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    match value:
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
        case Decimal():
            return format(value.normalize(), "f")
        case _:
            return value


def _filename(kind: Kind, which: ReportFilter, query: ActivityExport) -> str:
    days = f"{which.first_day.isoformat()}-{which.last_day.isoformat()}"
    return f"{kind}-usage-{days}-{query.export_type}.{query.format}"

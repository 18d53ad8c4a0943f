"""A report as JSON for programs: texts as people read them, and the unrounded numbers behind them."""

from __future__ import annotations

import json
from typing import Any

from harness.report.table import Cell, Document, Table

SCHEMA = 1
"""The version of the layout, in ``schema_version``."""


def as_json(document: Document) -> str:
    """The document; keys are English whatever the language; ends with a line feed."""
    content = {
        "schema_version": SCHEMA,
        "language": document.language,
        "title": document.title,
        "tables": [table_json(table) for table in document.tables],
        "notes": list(document.notes),
        "problems": [{"place": each.place, "message": each.message} for each in document.problems],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def table_json(table: Table) -> dict[str, Any]:
    """One table: its columns, and its rows as maps from column to cell; a merged cell stands in each row."""
    above: list[Cell] = []
    rows = []
    for row in table.rows:
        above = [cell if cell.rows else above[place] for place, cell in enumerate(row)]
        rows.append({column.key: _cell(cell) for column, cell in zip(table.columns, above, strict=True)})
    return {
        "name": table.name,
        "title": table.title,
        "lead": table.lead,
        "columns": [{"key": column.key, "title": column.title} for column in table.columns],
        "rows": rows,
        "notes": list(table.notes),
    }


def _cell(cell: Cell) -> dict[str, Any]:
    known = {"text": cell.text, "value": cell.value, "low": cell.low, "high": cell.high, "source": cell.source}
    return {key: value for key, value in known.items() if value is not None}

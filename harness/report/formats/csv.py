"""A report's tables as CSV (RFC 4180): the numbers unrounded, with their intervals and sources in columns of their own.

Several tables follow one another, each under a line with its title, an empty line between them. Notes are left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from harness.report.table import Cell, Column, Document, Table
from harness.report.words import plain

_FORMULA = ("=", "+", "-", "@", "\t")
"""What a spreadsheet takes for the beginning of a formula, if text begins with it."""


def comma_separated(document: Document) -> str:
    """All tables; lines end with a line feed."""
    if len(document.tables) == 1:
        return table_csv(document.tables[0])
    return "\n".join(f"# {plain(table.title)}\n{table_csv(table)}" for table in document.tables)


def table_csv(table: Table) -> str:
    """One table: a header, then a line for each row. A merged cell is repeated in every row that it spans."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    parts = [_parts([row[place] for row in table.rows]) for place in range(len(table.columns))]
    writer.writerow(_header(table.columns, parts))
    for row in _unmerged(table.rows):
        writer.writerow([value for cell, names in zip(row, parts, strict=True) for value in _values(cell, names)])
    return out.getvalue()


def _parts(cells: Sequence[Cell]) -> tuple[str, ...]:
    """What a column is split into: its value, and what any of its cells has beside it."""
    interval = ("low", "high") if any(cell.low is not None for cell in cells) else ()
    return ("", *interval, *(["source"] if any(cell.source for cell in cells) else []))


def _header(columns: Sequence[Column], parts: Sequence[tuple[str, ...]]) -> Iterator[str]:
    for column, names in zip(columns, parts, strict=True):
        yield from (_text(f"{column.title} {name}".strip()) for name in names)


def _values(cell: Cell, names: Sequence[str]) -> Iterator[str]:
    known = {"": cell.value, "low": cell.low, "high": cell.high}
    for name in names:
        if name == "source":
            yield cell.source or ""
        elif known[name] is not None:
            yield f"{known[name]:.12g}"
        else:
            yield _text(cell.text) if name == "" and cell.text != "-" else ""


def _unmerged(rows: Sequence[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    above: Sequence[Cell] = ()
    for row in rows:
        above = [cell if cell.rows else above[place] for place, cell in enumerate(row)]
        yield above


def _text(value: str) -> str:
    """Text that no spreadsheet computes."""
    value = plain(value)
    return f"'{value}" if value.startswith(_FORMULA) else value

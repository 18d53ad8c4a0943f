"""A report for the terminal, by rich: tables that leave out columns where the terminal is narrow, and say so."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from harness.report.grid import Grid
from harness.report.table import Document, Table
from harness.report.words import plain


def terminal(document: Document) -> Iterator[RenderableType]:
    """What a console prints, in order."""
    for table in document.tables:
        yield Text(plain(table.title), style="bold")
        if table.lead:
            yield Text(plain(table.lead))
        yield Text()
        yield table_grid(table)
        yield Text()
    yield from (Text(plain(note)) for note in document.notes)
    if document.problems:
        yield Text(plain(document.problems_title), style="bold")
        yield from (Text(plain(f"{each.place}: {each.message}")) for each in document.problems)


def table_grid(table: Table) -> Grid:
    """The table as a grid; columns of equal titles are told apart by their keys."""
    titles = [column.title for column in table.columns]
    names = [each.key if titles.count(each.title) > 1 else each.title for each in table.columns]
    rows = [
        {name: "" if cell.rows == 0 else cell.text for name, cell in zip(names, row, strict=True)} for row in table.rows
    ]
    from_the_right = list(zip(names, table.columns, strict=True))[:0:-1]
    return Grid(
        columns=names,
        rows=rows,
        notes=table.notes,
        numbers=frozenset(name for name, column in zip(names, table.columns, strict=True) if column.number),
        least_needed=[name for name, _ in sorted(from_the_right, key=lambda each: each[1].need)],
    )

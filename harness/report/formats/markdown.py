"""A report as GitHub's Markdown. Merged cells are blank below the first, as Markdown knows none."""

from __future__ import annotations

from collections.abc import Iterable

from harness.report.grid import escaped
from harness.report.table import Cell, Document, Table


def markdown(document: Document) -> str:
    """The tables with their notes as lists; ends with a line feed."""
    parts = [f"# {escaped(document.title)}", *(table_markdown(table) for table in document.tables)]
    if document.notes:
        parts.append("\n".join(f"- {escaped(note)}" for note in document.notes))
    if document.problems:
        named = [f"- {escaped(each.place)}: {escaped(each.message)}" for each in document.problems]
        parts.append("\n".join([f"## {escaped(document.problems_title)}", "", *named]))
    return "\n\n".join(parts) + "\n"


def table_markdown(table: Table) -> str:
    """One table under its title."""
    lines = [f"## {escaped(table.title)}", ""]
    if table.lead:
        lines += [escaped(table.lead), ""]
    lines += [_line(escaped(column.title) for column in table.columns)]
    lines += [_line("---:" if column.number else "---" for column in table.columns)]
    lines += [_line(_cell(cell) for cell in row) for row in table.rows]
    if table.notes:
        lines += ["", *(f"- {escaped(note)}" for note in table.notes)]
    return "\n".join(lines)


def _cell(cell: Cell) -> str:
    if cell.rows == 0:
        return ""
    text = escaped(cell.text)
    text = f"[{text}]({cell.link})" if cell.link else text
    return f"**{text}**" if cell.strong else text


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"

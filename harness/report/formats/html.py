"""A report's tables as HTML: fragments for a page, and the least page that holds them. Everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from harness.report.table import Cell, Column, Document, Table
from harness.report.words import plain


def html(document: Document) -> str:
    """A page without scripts or styles, complete in itself; ends with a line feed."""
    language = "zh-CN" if document.language == "zh" else "en"
    body = [f"<h1>{text(document.title)}</h1>", *(table_html(table) for table in document.tables)]
    if document.notes:
        body.append(_list(document.notes))
    if document.problems:
        body.append(problems_html(document))
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{language}">',
        f'<head><meta charset="utf-8"><title>{text(document.title)}</title></head>',
        "<body>",
        *body,
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def table_html(table: Table) -> str:
    """A section with the table. Cells carry their number in ``data-value`` and their source in ``data-source``."""
    head = "".join(f"<th{_side(column)}>{text(column.title)}</th>" for column in table.columns)
    rows = [
        "<tr>" + "".join(_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)) + "</tr>"
        for row in table.rows
    ]
    lines = [f'<section id="{text(table.name)}">', *([f"<h2>{text(table.title)}</h2>"] if table.title else [])]
    lines += [f"<p>{text(table.lead)}</p>"] if table.lead else []
    lines += ["<table>", f"<thead><tr>{head}</tr></thead>", "<tbody>", *rows, "</tbody>", "</table>"]
    lines += [_list(table.notes)] if table.notes else []
    return "\n".join([*lines, "</section>"])


def problems_html(document: Document) -> str:
    """A section that names what was left out."""
    named = [f"{each.place}: {each.message}" for each in document.problems]
    return f'<section id="problems">\n<h2>{text(document.problems_title)}</h2>\n{_list(named)}\n</section>'


def text(value: str) -> str:
    """Text that HTML takes for nothing else, between tags and in attributes."""
    return escape(plain(value))


def _cell(cell: Cell, column: Column) -> str:
    if cell.rows == 0:
        return ""
    content = text(cell.text)
    content = f'<a href="{text(cell.link)}">{content}</a>' if cell.link else content
    content = f"<strong>{content}</strong>" if cell.strong else content
    span = f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
    value = f' data-value="{cell.value!r}"' if cell.value is not None else ""
    source = f' data-source="{cell.source}"' if cell.source is not None else ""
    return f"<td{_side(column)}{span}{value}{source}>{content}</td>"


def _side(column: Column) -> str:
    return ' class="number"' if column.number else ""


def _list(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{text(note)}</li>" for note in notes)
    return f"<ul>{items}</ul>"

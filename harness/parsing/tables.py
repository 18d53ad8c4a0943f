"""Tables as people write them: in Markdown, HTML, CSV or TSV, as rows of plain texts of equal length.

Merged cells are repeated wherever they reach, so that every row stands for itself. What a table says is not known here.
"""

from __future__ import annotations

import csv
import io

from harness.parsing.table import MOST_CELLS, Table, squared
from harness.parsing.tables_html import html_tables
from harness.parsing.tables_markdown import markdown_tables, without_code
from harness.parsing.text import ParseError


def read_tables(text: str, kind: str) -> list[Table]:
    """The tables of a text of ``kind``: csv, tsv or markup (Markdown and HTML, mixed as in a README).

    Raises:
        ParseError: more cells than any published table has, or quotes that do not close.
    """
    if kind in {"csv", "tsv"}:
        return _separated(text, "\t" if kind == "tsv" else _separator(text))
    prose = without_code(text)
    return sorted([*markdown_tables(prose), *html_tables(prose)], key=lambda table: table.first)


def _separated(text: str, separator: str) -> list[Table]:
    rows: list[list[str]] = []
    cells = 0
    lines = io.StringIO(text, newline="")
    if separator == "\t":  # where a quote is a sign like any other
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        for row in reader:
            cells += len(row)
            if cells > MOST_CELLS:
                raise ParseError(f"more than {MOST_CELLS} cells: expected a table of published numbers")
            if any(cell.strip() for cell in row):
                rows.append(row)
    except csv.Error as error:
        raise ParseError(f"line {reader.line_num}: not readable as a table ({error})") from error
    table = squared(rows, 1, max(reader.line_num, 1))
    return [table] if table else []


def _separator(text: str) -> str:
    """Of a CSV: the sign that the first line holds most of; semicolons are what some spreadsheets write."""
    head = text.lstrip("\ufeff").split("\n", 1)[0]
    return max(",;\t", key=head.count)

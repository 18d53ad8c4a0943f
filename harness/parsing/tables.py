"""Tables as people write them: in Markdown, HTML, CSV or TSV, as rows of plain texts of equal length.

Merged cells are repeated wherever they reach, so that every row stands for itself. What a table says is not known here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from harness.parsing.text import ParseError, narrowed

MOST_CELLS = 2_000_000
"""What one file may hold; more is no table that somebody published."""


@dataclass(frozen=True)
class Table:
    """``header`` and ``rows`` of plain texts, all of one length; ``first`` and ``last`` are its lines, from 1.

    ``title`` is the heading above it, empty where there is none.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first: int
    last: int
    title: str = ""


def squared(rows: Sequence[Sequence[str]], first: int, last: int, title: str = "", heads: int = 1) -> Table | None:
    """A table from rows of any length; the first ``heads`` of them are its header, joined. None without a row.

    Cells keep what they state, blanks around it included. Short rows are filled with empty texts; cells
    beyond the header keep their place below an empty one.
    """
    width = max((len(row) for row in rows), default=0)
    even = [(*row, *[""] * (width - len(row))) for row in rows]
    if len(even) <= heads or not width:
        return None
    header = tuple(plain(" ".join(dict.fromkeys(filter(None, parts)))) for parts in zip(*even[:heads], strict=True))
    return Table(header, tuple(even[heads:]), first, last, title)


def plain(text: str) -> str:
    """One line: full-width signs as their narrow ones, spaces joined, nothing that moves a cursor."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(sign if sign.isprintable() else " " for sign in narrowed(text)).split())


def read_tables(text: str, kind: str) -> list[Table]:
    """The tables of a text of ``kind``: csv, tsv or markup (Markdown and HTML, mixed as in a README).

    Raises:
        ParseError: more cells than any published table has, or quotes that do not close.
    """
    if kind in {"csv", "tsv"}:
        return _separated(text, "\t" if kind == "tsv" else _separator(text))
    from harness.parsing.tables_html import html_tables
    from harness.parsing.tables_markdown import markdown_tables, without_code

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

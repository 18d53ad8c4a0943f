"""Tables in HTML: rows and cells by the standard library's parser, merged cells repeated where they reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from harness.parsing.table import MOST_CELLS, Table, plain, squared
from harness.parsing.text import ParseError

_SILENT = frozenset({"script", "style", "template", "head", "title"})
_MOST_MERGED = 1000
"""How far HTML lets a cell reach (its standard says 1000 columns)."""


@dataclass
class _Cell:
    head: bool
    down: int
    across: int
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return plain("".join(self.parts))


@dataclass
class _Open:
    first: int
    rows: list[list[_Cell]] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects the tables; those that are never closed end with the text. Content of scripts is not read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.done: list[Table] = []
        self._open: list[_Open] = []
        self._silent = 0
        self._count = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "table":
            self._open.append(_Open(self.getpos()[0]))
        elif self._open and tag == "tr":
            self._open[-1].rows.append([])
        elif self._open and tag in {"td", "th"}:
            self._begin(tag, dict(attrs))
        elif tag in {"br", "p", "li"}:
            self.handle_data("; " if tag == "br" else " ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "table" and self._open:
            self._close()

    def handle_data(self, data: str) -> None:
        if not self._silent and self._open and self._open[-1].rows and self._open[-1].rows[-1]:
            self._open[-1].rows[-1][-1].parts.append(data)

    def close(self) -> None:
        super().close()
        while self._open:
            self._close()

    def _begin(self, tag: str, attributes: dict[str, str | None]) -> None:
        self._count += 1
        if self._count > MOST_CELLS:
            raise ParseError(f"more than {MOST_CELLS} cells: expected a table of published numbers")
        rows = self._open[-1].rows
        if not rows:
            rows.append([])
        rows[-1].append(_Cell(tag == "th", _span(attributes.get("rowspan")), _span(attributes.get("colspan"))))

    def _close(self) -> None:
        table = self._open.pop()
        grid = _spread(table.rows)
        heads = max(1, _heads(table.rows))
        made = squared([[cell.text for cell in row] for row in grid], table.first, self.getpos()[0], heads=heads)
        if made is not None:
            self.done.append(made)


def html_tables(text: str) -> list[Table]:
    """All tables of a text; a table in a table stands for itself too.

    Raises:
        ParseError: more cells than any published table has.
    """
    if "<table" not in text.lower():
        return []
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.done


def _heads(rows: list[list[_Cell]]) -> int:
    """How many rows the header has: as far as its first row's cells reach down, if that row is one of headers."""
    if not rows or not rows[0] or not all(cell.head for cell in rows[0]):
        return 1
    return min(max(cell.down for cell in rows[0]), len(rows) - 1)


def _spread(rows: list[list[_Cell]]) -> list[list[_Cell]]:
    """The rows with each merged cell in all places that it covers; it ends with the table."""
    grid: list[dict[int, _Cell]] = [{} for _ in rows]
    total = 0
    for y, row in enumerate(rows):
        x = 0
        for cell in row:
            while x in grid[y]:
                x += 1
            for line in grid[y : y + cell.down]:
                total += cell.across
                if total > MOST_CELLS:
                    raise ParseError(f"more than {MOST_CELLS} cells: expected a table of published numbers")
                for across in range(cell.across):
                    line.setdefault(x + across, cell)
            x += cell.across
    nothing = _Cell(False, 1, 1)
    return [[line.get(at, nothing) for at in range(max(line, default=-1) + 1)] for line in grid]


def _span(value: str | None) -> int:
    text = (value or "1").strip()
    return min(max(int(text), 1), _MOST_MERGED) if text.isascii() and text.isdigit() and len(text) < 10 else 1

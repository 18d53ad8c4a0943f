"""A table with notes below it, for terminals of any width and as Markdown. It knows texts only, and escapes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from harness.report.words import plain

_GAP = 2
_MARKDOWN = re.compile(r"([\\`*\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


@dataclass(frozen=True)
class Grid:
    """Rows by column name, with notes. For ``console.print``, where columns that do not fit are left out and named.

    ``numbers`` are aligned to the right and never folded; ``least_needed`` are the columns that a narrow terminal goes
    without, in this order; ``styles`` gives a column's cells a colour of rich, row by row.
    """

    columns: Sequence[str]
    rows: Sequence[Mapping[str, str]]
    notes: Sequence[str] = ()
    numbers: frozenset[str] = frozenset()
    least_needed: Sequence[str] = ()
    styles: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Called by rich, with the terminal's width and encoding. Nothing in a text is taken for markup."""
        rows = [{column: plain(value) for column, value in row.items()} for row in self.rows]
        columns, hidden = self._fitting(rows, options.max_width)
        table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
        for column in columns:
            number = column in self.numbers
            table.add_column(column, justify="right" if number else "left", overflow="fold", no_wrap=number)
        for place, row in enumerate(rows):
            styles = {column: given[place] for column, given in self.styles.items()}
            table.add_row(*(Text(_encodable(row[c], options.encoding), styles.get(c, "")) for c in columns))
        yield table
        yield Text()
        left_out = [f"Not shown for want of width: {', '.join(hidden)}."] if hidden else []
        for note in (*self.notes, *left_out):
            yield Text(_encodable(plain(note), options.encoding), overflow="fold")

    def markdown(self) -> str:
        """The table as GitHub's Markdown, the notes as a list below it; ends with a line feed."""
        lines = [_line(self.columns), _line("---:" if column in self.numbers else "---" for column in self.columns)]
        lines += [_line(escaped(row[column]) for column in self.columns) for row in self.rows]
        return "\n".join([*lines, "", *(f"- {escaped(note)}" for note in self.notes)]).rstrip() + "\n"

    def _fitting(self, rows: Sequence[Mapping[str, str]], width: int) -> tuple[list[str], list[str]]:
        """The columns that fit, and those left out; the first column may be folded to make room.

        A column that is needed less than one left out stays where there is room for it alone.
        """
        widths = {column: max([cell_len(column), *(cell_len(row[column]) for row in rows)]) for column in self.columns}
        first = self.columns[0]
        widths[first] = min(widths[first], max(width // 4, cell_len(first)))

        def fits(without: Sequence[str]) -> bool:
            kept = [widths[column] for column in self.columns if column not in without]
            return sum(kept) + _GAP * (len(kept) - 1) <= width

        hidden: list[str] = []
        for column in self.least_needed:
            if fits(hidden):
                break
            hidden.append(column)
        for column in reversed(hidden[:]):
            if fits(fewer := [each for each in hidden if each != column]):
                hidden = fewer
        return [column for column in self.columns if column not in hidden], hidden


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _encodable(text: str, encoding: str) -> str:
    """The text as an old terminal can show it."""
    return text.replace("±", "+-").encode(encoding, "replace").decode(encoding) if "utf" not in encoding else text


def escaped(text: str) -> str:
    """Text that neither Markdown nor HTML takes for anything else."""
    safe = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", safe)

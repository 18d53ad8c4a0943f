"""A table as plain texts of equal length in rows, whatever it was written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.parsing.text import narrowed

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

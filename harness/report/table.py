"""A table of a report: cells with texts and the unrounded numbers behind them. Every format is made from it.

Texts are plain: each format escapes them in its own way. A column's ``key`` is the same in all languages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from harness.records.schema import Source
from harness.report.rows import Problem

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Cell:
    """``text`` as people read it. ``value`` is the number behind it, with its 95 % interval and the source's mark.

    ``rows`` is how many rows the cell spans; a cell that lies below such a one has 0 and is left out.
    """

    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    source: Source | None = None
    strong: bool = False
    rows: int = 1
    link: str | None = None


@dataclass(frozen=True)
class Column:
    """A column: ``key`` for programs, ``title`` for people; numbers stand to the right.

    A narrow terminal goes without the columns of the lowest ``need`` first, of equal ones without the last.
    """

    key: str
    title: str
    number: bool = True
    need: int = 0


@dataclass(frozen=True)
class Table:
    """``name`` is a file name without suffix; ``lead`` the sentence above the table, ``notes`` stand below it."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    lead: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """A whole report in one language: tables in order, and what could not be used."""

    title: str
    language: Language
    tables: tuple[Table, ...]
    problems: tuple[Problem, ...] = ()
    problems_title: str = ""
    notes: tuple[str, ...] = field(default=())

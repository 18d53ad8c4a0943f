"""Reads what was found into rows: each record once, newest last, and what could not be used beside them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import HarnessError
from harness.records.floors import Floor, read_floors
from harness.records.found import Found
from harness.records.io import parse_record, read_record
from harness.records.references import Reference
from harness.records.schema import Record
from harness.report.reading import reference_row, row_of
from harness.report.report_words import phrase
from harness.report.rows import Loaded, Problem, Row
from harness.report.table import Language


def load(found: Iterable[Found], references: Sequence[Reference] = ()) -> Loaded:
    """The rows of all records and references. Nothing is fatal: what cannot be used is a problem beside the rest.

    A record that was found twice (in its folder and in MLflow) is one row, with its folder and its run.
    """
    collecting = gc.isenabled()
    gc.disable()  # nothing here makes a cycle, and looking for some takes a seventh of the time
    try:
        return _load(found, references)
    finally:
        if collecting:
            gc.enable()


def _load(found: Iterable[Found], references: Sequence[Reference]) -> Loaded:
    rows: dict[str, Row] = {}
    problems: list[Problem] = []
    floors: dict[Path, tuple[Floor, ...]] = {}
    for each in found:
        try:
            row = row_of(each, _floors(each, floors, problems))
        except HarnessError as error:
            problems.append(Problem(each.place, str(error).removeprefix(f"{each.place}: ")))
            continue
        key = row.record_id or row.place
        rows[key] = _merged(rows[key], row) if key in rows else row
    measured = sorted(rows.values(), key=lambda row: (row.started, row.sweep_id, row.name))
    return Loaded((*measured, *map(reference_row, references)), tuple(problems))


def record_of(row: Row) -> Record | None:
    """The whole record behind a row; None for a reference.

    Raises:
        HarnessError: it was removed or damaged since the row was read.
    """
    if row.folder is not None:
        return read_record(row.folder)
    return parse_record(row.content, Path(row.place)) if row.content is not None else None


def missing_files(rows: Sequence[Row], language: Language) -> tuple[Problem, ...]:
    """A problem for the records whose raw samples are not in their folders any more: the first is named."""
    gone = [row for row in rows if row.folder is not None and not all(map(os.path.exists, _paths(row)))]
    if not gone:
        return ()
    return (Problem(gone[0].place, phrase(language, "missing_files", number=len(gone))),)


def _paths(row: Row) -> list[str]:
    return [f"{row.folder}/{name}" for name in row.files]


def _merged(first: Row, second: Row) -> Row:
    """One record from two places: what lies in a folder wins, the run of either is kept."""
    kept, other = (first, second) if first.folder is not None or second.folder is None else (second, first)
    return replace(kept, run=kept.run or other.run, floor=kept.floor if kept.floor is not None else other.floor)


def _floors(found: Found, known: dict[Path, tuple[Floor, ...]], problems: list[Problem]) -> tuple[Floor, ...]:
    """The noise floors of the home that a record lies in, each home's read once."""
    home = found.home
    if home is None:
        return ()
    if home not in known:
        known[home] = ()
        try:
            known[home] = read_floors(home)
        except HarnessError as error:
            problems.append(Problem(str(home), str(error)))
    return known[home]

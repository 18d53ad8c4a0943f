"""The table of all cells on a report's page: one row each, with everything that is known in a word or a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from harness.report.digits import MISSING, figure, significant
from harness.report.figures import throughput_cell
from harness.report.method_words import Language
from harness.report.page_words import page_word
from harness.report.plot_words import said, status_word
from harness.report.report_words import phrase
from harness.report.rows import END_TO_END, HEADLINE, Row
from harness.report.table import Cell, Column, Table
from harness.report.words import MARKS

MOST_CELLS = 1000
"""Rows of the table; a page with more is no use in a browser."""
_SAID_ELSEWHERE = ("model=", "soc_version=", "precision=", "backend=", "batchsize=", "sweep=", "measure=")
Filler = Callable[[Row, Language], Cell]


def cells_table(rows: Sequence[Row], language: Language, ui: str) -> tuple[Table, tuple[int, ...]]:
    """The newest cells, and the places (from 1) of the columns that are the same in all of them.

    ``ui`` is the address before a run's page where its store has none of its own. Columns without any content are
    left out.
    """
    own = sorted((row for row in rows if row.reference is None), key=lambda row: row.started, reverse=True)
    shown = own[:MOST_CELLS]
    names = list(_FILLERS)
    names.insert(names.index("outcome") + 1, "run")
    fillers: dict[str, Filler] = {**_FILLERS, "run": partial(_run, ui=ui)}
    columns = {name: [fillers[name](row, language) for row in shown] for name in names}
    kept = {name: cells for name, cells in columns.items() if any(cell.text not in {MISSING, ""} for cell in cells)}
    same = tuple(
        place
        for place, cells in enumerate(kept.values(), 1)
        if len(cells) > 1 and len({cell.text for cell in cells}) == 1
    )
    cut = (page_word(language, "cells_cut", shown=len(shown), count=len(own)),) if len(shown) < len(own) else ()
    marks = [phrase(language, "mark_simulated")] if any(row.source == "simulated" for row in shown) else []
    table = Table(
        name="cells",
        title="",
        columns=tuple(
            Column(name, page_word(language, name), number=any(cell.value is not None for cell in cells))
            for name, cells in kept.items()
        ),
        rows=tuple(zip(*kept.values(), strict=True)) if kept else (),
        notes=(*cut, *marks),
    )
    return table, same


def _text(read: Callable[[Row], object]) -> Filler:
    def fill(row: Row, language: Language) -> Cell:  # noqa: ARG001 -- every filler takes the language
        value = read(row)
        return Cell(MISSING if value in {None, ""} else str(value))

    return fill


def _number(read: Callable[[Row], float | None]) -> Filler:
    def fill(row: Row, language: Language) -> Cell:  # noqa: ARG001
        value = read(row)
        return Cell(MISSING) if value is None else Cell(f"{significant(value, 3)}{MARKS[row.source]}", value=value)

    return fill


def _batchsize(row: Row, language: Language) -> Cell:  # noqa: ARG001
    return Cell(MISSING) if row.batchsize is None else Cell(str(row.batchsize), value=row.batchsize)


def _outcome(row: Row, language: Language) -> Cell:
    return Cell(status_word(language, row.outcome.status), strong=row.outcome.status != "ok")


def _throughput(boundary: str) -> Filler:
    def fill(row: Row, language: Language) -> Cell:
        cell = throughput_cell(row, boundary, language)
        if cell.value is None:
            return Cell(MISSING)
        estimate = row.throughput if boundary == HEADLINE else row.throughputs[boundary]
        return Cell(figure(estimate) + MARKS[row.source] if estimate else MISSING, value=cell.value, source=row.source)

    return fill


def _median(row: Row, language: Language) -> Cell:  # noqa: ARG001
    if row.latency_ms is None:
        return Cell(MISSING)
    return Cell(figure(row.latency_ms) + MARKS[row.source], value=row.latency_ms.mean, source=row.source)


def _accuracy(row: Row) -> float | None:
    share = row.accuracy.device.metrics.get(row.accuracy.headline) if row.accuracy else None
    return None if share is None else round(100 * share, 2)


def _weights(row: Row, language: Language) -> Cell:
    if row.weights is None:
        return Cell(MISSING)
    return Cell(page_word(language, "trained" if row.weights.trained else "untrained"))


def _source(row: Row, language: Language) -> Cell:
    return Cell(said(language, row.source), source=row.source)


def _run(row: Row, language: Language, ui: str) -> Cell:
    if row.run is None:
        return Cell(MISSING)
    page = row.run.page
    link = page if page.startswith(("http://", "https://")) else f"{ui.rstrip('/')}/{page}"
    return Cell(page_word(language, "run"), link=link)


_FILLERS: dict[str, Filler] = {
    "model": _text(lambda row: row.model),
    "device": _text(lambda row: row.soc_version),
    "batchsize": _batchsize,
    "precision": _text(lambda row: row.precision),
    "backend": _text(lambda row: row.backend),
    "source": _source,
    "outcome": _outcome,
    "throughput": _throughput(HEADLINE),
    "end_to_end": _throughput(END_TO_END),
    "median": _median,
    "p99": _number(lambda row: row.percentiles["p99"].value_ms if "p99" in row.percentiles else None),
    "verdict": _text(lambda row: row.verdict),
    "joules": _number(lambda row: row.joules_per_sample),
    "accuracy": _number(_accuracy),
    "weights": _weights,
    "findings": _text(lambda row: ", ".join(row.findings)),
    "profile": _text(lambda row: row.profile),
    "overrides": _text(lambda row: " ".join(o for o in row.overrides if not o.startswith(_SAID_ELSEWHERE))),
    "hardware": _text(lambda row: row.hardware),
    "host": _text(lambda row: row.host),
    "sweep": _text(lambda row: row.sweep_id),
    "started": _text(lambda row: row.started[:19].replace("T", " ")),
}

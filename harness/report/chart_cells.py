"""The charts that go into single cells: what the time of a sample consists of, and how the times of a batch spread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.errors import HarnessError
from harness.report.digits import MISSING
from harness.report.method_words import Language
from harness.report.plot_bars import HATCHES, Stack, StackChart
from harness.report.plot_captions import BETWEEN, line, models_words, origin, source_notes, subtitle
from harness.report.plot_series import batchsize, series_labels
from harness.report.plot_strips import MOST_DOTS, Strip, StripChart
from harness.report.plot_words import said
from harness.report.query import record_of
from harness.report.rows import HEADLINE, Row

MOST_CELLS = 24
"""Cells that one picture holds; the table has the others."""
_COPIES = frozenset({"h2d", "d2h"})


def parts_chart(rows: Sequence[Row], language: Language) -> StackChart | None:
    """H2D, compute and D2H of each cell in ms a sample; None where no cell knows its copies."""
    known = [row for row in rows if row.means_ms.get(HEADLINE, 0) > 0 and batchsize(row)]
    if not any(_COPIES & row.means_ms.keys() for row in known):
        return None
    shown = known[:MOST_CELLS]
    stacks = tuple(
        Stack(
            label,
            tuple((part, row.means_ms[part] / (row.batchsize or 1)) for part in HATCHES if part in row.means_ms),
            row.source == "measured",
        )
        for row, label in zip(shown, _labels(shown, language), strict=True)
    )
    notes = [*_cut(known, shown, language), said(language, "parts_note"), *source_notes(shown, language, look="dashed")]
    return StackChart(
        title=line(said(language, "parts", models=models_words(shown, language))),
        subtitle=line(subtitle(shown)),
        unit=said(language, "part_unit"),
        stacks=stacks,
        footnotes=tuple(line(note) for note in (*notes, origin(shown, language))),
        language=language,
    )


def strips_chart(rows: Sequence[Row], language: Language) -> StripChart | None:
    """The times of every iteration, from the raw samples beside the records; None where none are at hand."""
    own = [row for row in rows if row.throughput is not None and row.reference is None]
    shown: list[Row] = []
    times: list[tuple[tuple[float, ...], ...]] = []
    for row in own[:MOST_CELLS]:
        found = tuple(_samples(row))
        if found:
            shown.append(row)
            times.append(found)
    if not shown:
        return None
    strips = tuple(
        Strip(label, each, row.source == "measured")
        for row, label, each in zip(shown, _labels(shown, language), times, strict=True)
    )
    longest = max(len(process) for each in times for process in each)
    kept = said(language, "kept", count=MOST_DOTS) if longest > MOST_DOTS else ""
    notes = [*_cut(own, own[:MOST_CELLS], language), said(language, "dots", kept=kept)]
    if len(shown) < min(len(own), MOST_CELLS):
        notes.append(said(language, "no_samples", count=min(len(own), MOST_CELLS) - len(shown)))
    return StripChart(
        title=line(said(language, "distribution", models=models_words(shown, language))),
        subtitle=line(subtitle(shown)),
        unit=said(language, "relative_unit"),
        strips=strips,
        footnotes=tuple(line(each) for each in (*notes, *source_notes(shown, language), origin(shown, language))),
        language=language,
    )


def _samples(row: Row) -> Iterator[tuple[float, ...]]:
    """The times in ms of every process whose file is at hand and whole."""
    import numpy as np

    try:
        record = record_of(row)
    except HarnessError:
        return
    if record is None or row.folder is None:
        return
    for repeat in record.repeats:
        path = (row.folder / repeat.samples_file).resolve()
        if not path.is_relative_to(row.folder.resolve()):
            continue
        try:
            with np.load(path, allow_pickle=False) as arrays:
                values = np.asarray(arrays[f"{repeat.boundary}_ms"], dtype=np.float64).ravel()
        except (OSError, KeyError, ValueError, EOFError):
            continue
        finite = values[np.isfinite(values) & (values > 0)]
        if finite.size:
            yield tuple(finite.tolist())


def _labels(rows: Sequence[Row], language: Language) -> list[str]:
    """What tells each cell from the others."""
    labels = series_labels(rows, language)
    sizes = [said(language, "batch", batchsize=batchsize(row) or MISSING) for row in rows]
    return [BETWEEN.join((label, size)) for label, size in zip(labels, sizes, strict=True)]


def _cut(known: Sequence[Row], shown: Sequence[Row], language: Language) -> list[str]:
    if len(shown) == len(known):
        return []
    return [said(language, "first_cells", shown=len(shown), count=len(known))]

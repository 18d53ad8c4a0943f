"""What a chart over batch sizes shows: series of points, what they are called, and the small print.

Numbers and words, no drawing: the charts of throughput and of latency differ in the estimate that they take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.records.schema import Estimate, Source
from harness.report.digits import MISSING
from harness.report.figures import figure_of
from harness.report.method_words import Language
from harness.report.plot_captions import BETWEEN, footnotes, line, models_words, subtitle
from harness.report.plot_words import said
from harness.report.rows import SAMPLES_PER_S, Row

Quantity = Literal["throughput", "latency"]

_PARTS = ("model", "soc_version", "precision", "backend")
"""What a series is of, as fields of a row. The batch size is the axis."""
_SAID_BY_PARTS = ("model=", "soc_version=", "precision=", "backend=", "batchsize=", "sweep=")
_NOT_TIMED = ("evaluate.", "evaluate=", "dataset.", "dataset=", "tracking.", "tracking=", "profile=")
"""Overrides that change nothing of what is timed."""
MOST_SERIES = 24
"""Series that one picture holds; the table has the others."""


@dataclass(frozen=True)
class Point:
    """One cell: ``batchsize`` is None where the record has none, ``estimate`` where nothing was measured.

    ``figures`` is the estimate with the digits that the table shows.
    """

    batchsize: int | None
    estimate: Estimate | None
    status: str
    figures: str = MISSING


@dataclass(frozen=True)
class Series:
    """The cells that differ in their batch size only, in its order. ``label`` says what tells them from the others."""

    label: str
    source: Source
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Chart:
    """Everything that is drawn or written; ``by_batch`` is False where one batch size, or none, is all there is."""

    title: str
    subtitle: str
    unit: str
    series: tuple[Series, ...]
    by_batch: bool
    footnotes: tuple[str, ...]
    """Sentences; the last one says where the figures are from and has a line of its own."""
    better: Literal["higher", "lower"] = "higher"
    language: Language = "en"

    @property
    def batchsizes(self) -> list[int]:
        """All batch sizes, ascending."""
        return sorted({p.batchsize for series in self.series for p in series.points if p.batchsize is not None})


def chart(rows: Sequence[Row], quantity: Quantity, language: Language = "en") -> Chart | None:
    """The chart of throughput (samples/s) or latency (ms, median of a batch); None without any figure.

    Published numbers without a known unit are left out, and a footnote counts them. They have no latency.
    """
    drawable = [row for row in rows if row.throughput is not None or row.outcome.status != "ok"]
    if quantity == "latency":
        drawable = [row for row in drawable if row.source != "reference" or _estimate(row, quantity)]
    shown = [row for row in drawable if row.throughput is None or comparable(row)]
    if not any(_estimate(row, quantity) for row in shown):
        return None
    sizes = {batchsize(row) for row in shown}
    by_batch = len(sizes) > 1 and None not in sizes
    series = _series(shown, quantity, language)
    notes = list(footnotes(shown, language))
    if len(shown) < len(drawable):
        notes.insert(0, said(language, "other_unit", count=len(drawable) - len(shown)))
    if len(series) > MOST_SERIES:
        notes.insert(0, said(language, "first", shown=MOST_SERIES, count=len(series)))
    what = said(language, quantity, models=models_words(shown, language))
    over = "by_batch" if by_batch else "at_batch" if len(sizes) == 1 and None not in sizes else "several"
    return Chart(
        title=line(said(language, over, what=what, batchsize=next(iter(sizes)))),
        subtitle=line(subtitle(shown)),
        unit=said(language, "samples_per_s" if quantity == "throughput" else "median_ms"),
        series=tuple(series[:MOST_SERIES]),
        by_batch=by_batch,
        footnotes=tuple(line(note) for note in notes),
        better="higher" if quantity == "throughput" else "lower",
        language=language,
    )


def comparable(row: Row) -> bool:
    """Whether the row's throughput counts samples a second, as far as is known; a frame is a sample."""
    return row.unit in {SAMPLES_PER_S, "fps"}


def batchsize(row: Row) -> int | None:
    """The batch size of a row, where that is a place on an axis."""
    return row.batchsize if row.batchsize is not None and row.batchsize > 0 else None


def timed_overrides(row: Row) -> tuple[str, ...]:
    """The overrides of a row that bear on its times: whether it was evaluated as well does not."""
    return tuple(override for override in row.overrides if not override.startswith(_NOT_TIMED))


def series_labels(rows: Sequence[Row], language: Language) -> list[str]:
    """For each row what tells its series from the others; a second cell of a batch size starts another one."""
    parts = [{name: getattr(row, name) or MISSING for name in _PARTS} for row in rows]
    varying = [name for name in _PARTS if len({each[name] for each in parts}) > 1]
    alike = [(*each.values(), row.source) for row, each in zip(rows, parts, strict=True)]
    common: dict[tuple[str, ...], set[str]] = {}
    for row, key in zip(rows, alike, strict=True):
        common[key] = common.get(key, set(row.overrides)) & set(row.overrides)
    labels, seen = [], Counter[tuple[str, int | None]]()
    for row, each, key in zip(rows, parts, alike, strict=True):
        own = [o for o in timed_overrides(row) if o not in common[key] and not o.startswith(_SAID_BY_PARTS)]
        stated = [each[name] for name in varying if row.reference is None or each[name] != MISSING]
        label = BETWEEN.join([*stated, *own] or [each["soc_version"], each["precision"]])
        if row.source != "measured":
            label = said(language, "source", label=label, source=said(language, row.source))
        seen[label, batchsize(row)] += 1
        times = seen[label, batchsize(row)]
        labels.append(line(label if times == 1 else f"{label} #{times}"))
    return labels


def _series(rows: Sequence[Row], quantity: Quantity, language: Language) -> list[Series]:
    """In the order of their first rows."""
    groups: dict[str, list[Row]] = {}
    for row, label in zip(rows, series_labels(rows, language), strict=True):
        groups.setdefault(label, []).append(row)
    return [
        Series(
            label,
            group[0].source,
            tuple(_point(row, quantity) for row in sorted(group, key=lambda row: batchsize(row) or 0)),
        )
        for label, group in groups.items()
    ]


def _point(row: Row, quantity: Quantity) -> Point:
    estimate = _estimate(row, quantity)
    figures = MISSING if estimate is None else figure_of(row, estimate)
    return Point(batchsize(row), estimate, row.outcome.status, figures)


def _estimate(row: Row, quantity: Quantity) -> Estimate | None:
    """The estimate of the row, where it has a finite one."""
    estimate = row.throughput if quantity == "throughput" else row.latency_ms
    return estimate if estimate is not None and 0 < estimate.mean < float("inf") else None

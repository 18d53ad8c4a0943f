"""What a chart shows, from records only: series of points over batch sizes, what they are called, and the small print.

Numbers and words, no drawing: the charts of throughput and of latency differ in the estimate that they take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.records.schema import Estimate, Record, Source
from harness.report.digits import MISSING
from harness.report.words import BOUNDARIES, counted, device_words, hardware, plain, setting

Quantity = Literal["throughput", "latency"]

_PARTS: Mapping[str, tuple[str, ...]] = {
    "model": ("model", "name"),
    "device": ("soc_version", "name"),
    "precision": ("precision", "name"),
    "backend": ("backend", "name"),
}
"""What a series is of: the part's name and its key in the settings. The batch size is the axis."""
_SAID_BY_PARTS = ("model=", "soc_version=", "precision=", "backend=", "batchsize=", "sweep=")
_BETWEEN = " · "
MOST_SERIES = 24
"""Series that one picture holds; the table has the others."""
_MOST_NAMED = 3
"""Models that a title names; more are counted."""


@dataclass(frozen=True)
class Point:
    """One cell: ``batchsize`` is None where the record has none, ``estimate`` where nothing was measured."""

    batchsize: int | None
    estimate: Estimate | None
    status: str


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

    @property
    def batchsizes(self) -> list[int]:
        """All batch sizes, ascending."""
        return sorted({p.batchsize for series in self.series for p in series.points if p.batchsize is not None})


def chart(records: Sequence[Record], quantity: Quantity) -> Chart | None:
    """The chart of a sweep's throughput (samples/s) or latency (ms, median of a batch); None without any figure."""
    if not any(_estimate(record, quantity) for record in records):
        return None
    by_batch = len({_batchsize(record) for record in records}) > 1 and None not in map(_batchsize, records)
    series = _series(records, quantity)
    footnotes = _footnotes(records)
    if len(series) > MOST_SERIES:
        footnotes.insert(0, f"The first {MOST_SERIES} of {len(series)} series; the table has all.")
    over = " by batch size" if by_batch else f" at {_batch_words(records)}"
    what = "Throughput" if quantity == "throughput" else "Latency"
    return Chart(
        title=_line(f"{what} of {_models(records)}{over}"),
        subtitle=_line(_subtitle(records)),
        unit="samples/s" if quantity == "throughput" else "ms, median of a batch",
        series=tuple(series[:MOST_SERIES]),
        by_batch=by_batch,
        footnotes=tuple(_line(note) for note in footnotes),
    )


def _series(records: Sequence[Record], quantity: Quantity) -> list[Series]:
    """In the order of their first records."""
    labels = _labels(records)
    groups: dict[str, list[Record]] = {}
    for record, label in zip(records, labels, strict=True):
        groups.setdefault(label, []).append(record)
    return [
        Series(
            _line(label),
            group[0].source,
            tuple(
                Point(_batchsize(record), _estimate(record, quantity), record.outcome.status)
                for record in sorted(group, key=lambda record: _batchsize(record) or 0)
            ),
        )
        for label, group in groups.items()
    ]


def _labels(records: Sequence[Record]) -> list[str]:
    """For each record what tells its series from the others; a second cell of a batch size starts another one."""
    parts = [{name: setting(record, *path) for name, path in _PARTS.items()} for record in records]
    varying = [name for name in _PARTS if len({each[name] for each in parts}) > 1]
    common = set.intersection(*(set(record.overrides) for record in records))
    labels, seen = [], Counter[tuple[str, int | None]]()
    for record, each in zip(records, parts, strict=True):
        own = [o for o in record.overrides if o not in common and not o.startswith(_SAID_BY_PARTS)]
        words = [each[name] for name in varying] + own or [each["device"], each["precision"]]
        label = _BETWEEN.join(words) + (f" ({record.source})" if record.source != "measured" else "")
        seen[label, _batchsize(record)] += 1
        times = seen[label, _batchsize(record)]
        labels.append(label if times == 1 else f"{label} #{times}")
    return labels


def _line(text: str) -> str:
    """One line, words one space apart."""
    return " ".join(plain(text).split())


def _batchsize(record: Record) -> int | None:
    value = record.settings.get("batchsize")
    return value if isinstance(value, int) and value > 0 else None


def _estimate(record: Record, quantity: Quantity) -> Estimate | None:
    """The estimate of the record, where it has a finite one."""
    if record.summary is None:
        return None
    estimate = record.summary.throughput if quantity == "throughput" else record.summary.latency_ms
    return estimate if 0 < estimate.mean < float("inf") else None


def _models(records: Sequence[Record]) -> str:
    names = list(dict.fromkeys(setting(record, "model", "name") for record in records))
    if len(names) > _MOST_NAMED:
        return f"{len(names)} models"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _batch_words(records: Sequence[Record]) -> str:
    sizes = {_batchsize(record) for record in records}
    return f"batch size {sizes.pop()}" if len(sizes) == 1 and None not in sizes else "several batch sizes"


def _subtitle(records: Sequence[Record]) -> str:
    """The devices with what their hardware calls itself, then what all cells have in common."""
    devices: dict[str, str] = {}
    for record in sorted(records, key=lambda record: hardware(record) is None):
        devices.setdefault(setting(record, "soc_version", "name"), device_words(record))
    words = [", ".join(devices.values())]
    for part in ("precision", "backend"):
        values = {setting(record, *_PARTS[part]) for record in records} - {MISSING}
        words += values if len(values) == 1 else []
    return _BETWEEN.join(words)


def _footnotes(records: Sequence[Record]) -> list[str]:
    """What was timed, how often, what the bars mean, what is no measurement, and where it all is."""
    shown = [record for record in records if record.summary is not None]
    processes = counted([record.summary.throughput.n for record in shown if record.summary], "process", "processes")
    each = [repeat.iterations for record in shown for repeat in record.repeats]
    iterations = f" of {counted(each, 'iteration', 'iterations')}" if each else ""
    notes = [f"Timed: {_timed(shown)}; {processes}{iterations} a cell. Bars: 95 % intervals over processes."]
    if any(record.summary.throughput.low is None for record in shown if record.summary):
        notes[0] += " One process has no interval."
    sources = {record.source for record in records}
    if "simulated" in sources:
        notes.append("Hollow marks, simulated: from a stand-in of the device, not measured.")
    if "reference" in sources:
        notes.append("Hollow marks, reference: published by somebody else, not measured here.")
    if any(record.weights is not None and not record.weights.trained for record in records):
        notes.append("Random or untrained weights: the outputs mean nothing.")
    sweeps = dict.fromkeys(record.sweep_id for record in records)
    versions = dict.fromkeys(record.harness_version for record in records if record.harness_version)
    notes.append(f"Sweep {', '.join(sweeps)}" + (f"; harness {', '.join(versions)}" if versions else ""))
    return notes


def _timed(records: Sequence[Record]) -> str:
    """The boundary; where backends time different ones, each with its backends."""
    backends: dict[str, dict[str, None]] = {}
    for record in records:
        if record.summary is not None:
            boundary = BOUNDARIES.get(record.summary.boundary, record.summary.boundary)
            backends.setdefault(boundary, {})[setting(record, "backend", "name")] = None
    if len(backends) == 1:
        return next(iter(backends))
    return ", ".join(f"{boundary} by {' and '.join(names)}" for boundary, names in backends.items())

"""The throughputs of one model on several devices, line by line: figures, ratios, the best batch sizes. No words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records.references import chip_means
from harness.report.quotient import Quotient, quotient
from harness.report.rows import END_TO_END, HEADLINE, Row
from harness.report.series import Key, Series, series_of

DEFAULT_BASELINE = "T4"
BOUNDARIES = (HEADLINE, END_TO_END)
EARLIER_SHOWN = 3
"""How many earlier measurements of one cell a table shows; more are counted in a note."""


@dataclass(frozen=True)
class Line:
    """The rows of one batch size by series, and the ratios by boundary and target.

    ``batchsize`` is None in the line of the best, where each series has its own best batch size. ``earlier`` counts
    from 1 for rows that were measured before those that count; such a line has no ratios.
    """

    batchsize: int | None
    rows: Mapping[Key, Row]
    ratios: Mapping[tuple[str, Key], Quotient]
    earlier: int = 0


@dataclass(frozen=True)
class Performance:
    """A model's series in the order of their columns, and ``pairs``: the baseline of each target that has one.

    ``absent`` are devices that were asked for by name and that no row of the model is of.
    """

    model: str
    series: tuple[Series, ...]
    pairs: Mapping[Key, Key]
    lines: tuple[Line, ...]
    best: Line | None
    absent: tuple[str, ...] = ()

    @property
    def quotients(self) -> tuple[Quotient, ...]:
        """All ratios, the best last."""
        lines = (*self.lines, *([self.best] if self.best else []))
        return tuple(each for line in lines for each in line.ratios.values())


def performance(
    model: str, rows: Sequence[Row], baseline: str | None = None, targets: Sequence[str] = ()
) -> Performance | None:
    """The table's content for one model, or None where no row has or lacks a throughput on a device.

    Without ``baseline`` that is the T4, or of two devices the one that is not Ascend's; without ``targets`` all others.
    """
    absent = absent_chips(rows, baseline, targets)
    series = series_of(rows)
    chips = list(dict.fromkeys(each.key.soc_version for each in series))
    baseline = baseline or _baseline(chips)
    below = [each for each in series if baseline is not None and names_chip(baseline, each.key.soc_version)]
    above = [each for each in series if each not in below]
    if targets:
        above = [each for each in above if any(names_chip(target, each.key.soc_version) for target in targets)]
    chosen = (*below, *above)
    if not chosen:
        return None
    pairs = {each.key: mate.key for each in above if (mate := _mate(each, below)) is not None}
    lines = tuple(line for size in _sizes(chosen) for line in _lines(size, chosen, pairs))
    return Performance(model, chosen, pairs, lines, _best(chosen, pairs), absent)


def absent_chips(rows: Sequence[Row], baseline: str | None, targets: Sequence[str]) -> tuple[str, ...]:
    """The devices that were named and that no row with a throughput, or without one for a reason, is of."""
    known = {row.soc_version for row in rows if row.soc_version and (row.throughput or row.outcome.status != "ok")}
    asked = dict.fromkeys(name for name in (baseline, *targets) if name)
    return tuple(name for name in asked if not any(names_chip(name, chip) for chip in known))


def names_chip(given: str, soc_version: str) -> bool:
    """Whether a name that a user gave means a device: ``Ascend310P3``, ``ascend310p3``, ``310P3``, or its family."""
    names = {given, f"Ascend{given.removeprefix('Ascend').removeprefix('ascend')}"}
    folded = {name.casefold() for name in names}
    return soc_version.casefold() in folded or any(
        chip_means(name, soc_version) or chip_means(soc_version, name) for name in names
    )


def _baseline(chips: Sequence[str]) -> str | None:
    if DEFAULT_BASELINE in chips:
        return DEFAULT_BASELINE
    others = [chip for chip in chips if not chip.startswith("Ascend")]
    return others[0] if len(chips) == 2 and len(others) == 1 else None


def _mate(target: Series, candidates: Sequence[Series]) -> Series | None:
    """The baseline that a target is divided by: of its own source first, then what was measured, then its precision."""

    def fit(candidate: Series) -> tuple[bool, bool, bool, bool]:
        same_precision = candidate.key.precision == target.key.precision
        measured = candidate.key.source == "measured"
        own = candidate.key.source == target.key.source
        return candidate.best is not None, own, measured, same_precision

    return max(candidates, key=fit, default=None)


def _sizes(series: Sequence[Series]) -> list[int]:
    """The batch sizes at which any series has a figure."""
    return sorted({size for each in series for size in each.by_batch})


def _lines(size: int, series: Sequence[Series], pairs: Mapping[Key, Key]) -> list[Line]:
    """The line of a batch size, and one for each time that it was measured before."""
    found = {each.key: each.by_batch.get(size, ()) for each in series}
    deepest = min(max(len(rows) for rows in found.values()), 1 + EARLIER_SHOWN)
    lines = []
    for depth in range(deepest):
        rows = {key: rows[depth] for key, rows in found.items() if depth < len(rows)}
        lines.append(Line(size, rows, {} if depth else _ratios(rows, pairs), depth))
    return lines


def _best(series: Sequence[Series], pairs: Mapping[Key, Key]) -> Line | None:
    rows = {each.key: each.best for each in series if each.best is not None}
    return Line(None, rows, _ratios(rows, pairs)) if rows else None


def _ratios(rows: Mapping[Key, Row], pairs: Mapping[Key, Key]) -> dict[tuple[str, Key], Quotient]:
    made = {
        (boundary, target): quotient(rows[target], rows[base], boundary)
        for boundary in BOUNDARIES
        for target, base in pairs.items()
        if target in rows and base in rows
    }
    return {key: each for key, each in made.items() if each is not None}

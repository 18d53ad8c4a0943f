"""Is a sweep as good as an earlier one? Cell by cell: throughput, accuracy, and whether there is a figure at all.

A cell has fallen if it is worse by more than the tolerance and by more than the noise: the interval of the comparison
excludes equality, and the difference exceeds what the device differs from itself (its noise floor).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.references import is_chip
from harness.records.schema import Accuracy
from harness.report.quotient import Quotient, comparability, divisible, quotient
from harness.report.rows import HEADLINE, Row

Verdict = Literal["ok", "faster", "within_noise", "slower", "less_accurate", "failed", "not_comparable"]
FALLEN: frozenset[Verdict] = frozenset({"slower", "less_accurate", "failed"})
_NOT_RUN = frozenset({"skipped", "unsupported", "cancelled"})
"""Outcomes that say nothing of a cell: it was not tried here, or not to its end."""


@dataclass(frozen=True)
class Tolerances:
    """What may be lost: a share of the throughput (0.02 is 2 %), and points of accuracy in per cent (0.5)."""

    throughput: float = 0.02
    accuracy_points: float = 0.5


@dataclass(frozen=True)
class Points:
    """A metric on both sides, in per cent."""

    metric: str
    before: float
    now: float

    @property
    def change(self) -> float:
        """Points gained, negative where they were lost."""
        return self.now - self.before


@dataclass(frozen=True)
class Judged:
    """A cell on both sides. ``quotient`` is now over before; None where there is none to be had.

    ``reason`` says, as a key of the gate's words, why it is not comparable; ``differing`` and ``unknown`` are parts of
    the fingerprints. ``metrics`` are those that both sides have of the same data; ``other_data`` says that both have an
    accuracy, but not of the same.
    """

    now: Row
    before: Row
    verdict: Verdict
    quotient: Quotient | None = None
    metrics: tuple[Points, ...] = ()
    reason: str | None = None
    differing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    other_data: bool = False


@dataclass(frozen=True)
class Judgement:
    """All cells that both sides have, and those that one side has alone.

    ``not_run`` are the cells now that nothing was tried of, or not to its end; ``sweeps`` those of all cells now.
    """

    cells: tuple[Judged, ...]
    only_now: tuple[Row, ...]
    only_before: tuple[Row, ...]
    tolerances: Tolerances
    boundary: str
    not_run: tuple[Row, ...] = ()
    sweeps: tuple[str, ...] = ()

    @property
    def fallen(self) -> tuple[Judged, ...]:
        """The cells that are worse than they were."""
        return tuple(cell for cell in self.cells if cell.verdict in FALLEN)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all could be compared."""
        return all(cell.verdict == "not_comparable" for cell in self.cells)


def judged(
    now: Sequence[Row],
    before: Sequence[Row],
    tolerances: Tolerances,
    *,
    boundary: str = HEADLINE,
    mixed: bool = False,
    strict: bool = False,
) -> Judgement:
    """Compare the cells of two sides; of a cell that a side has several times, its newest row that was tried counts.

    ``mixed`` compares simulated with measured or published values all the same; ``strict`` compares nothing whose
    fingerprints differ.
    """
    current, earlier = _newest(now), _newest(before)
    cells: list[Judged] = []
    matched: set[int] = set()
    for row in current:
        partners = [each for each in earlier if _same_cell(row, each)]
        if partners:
            matched.update(map(id, (row, *partners)))
            cells.append(_cell(row, partners, tolerances, boundary, mixed=mixed, strict=strict))
    here = {(row.model, row.soc_version) for row in current}
    return Judgement(
        tuple(cells),
        tuple(row for row in current if id(row) not in matched),
        tuple(row for row in earlier if id(row) not in matched and _is_asked(row, here)),
        tolerances,
        boundary,
        tuple(row for row in now if row.reference is None and row.outcome.status in _NOT_RUN),
        tuple(dict.fromkeys(row.sweep_id for row in now if row.sweep_id)),
    )


def _is_asked(row: Row, here: Iterable[tuple[str, str | None]]) -> bool:
    """Whether a row that has no partner is missed: any cell of a sweep, but of references only those of its chips."""
    if row.reference is None:
        return True
    return any(row.model == model and chip and is_chip(row.reference, chip) for model, chip in here)


def _newest(rows: Sequence[Row]) -> list[Row]:
    """One row a cell, in order of first appearance; references as they are; without cells that were never tried."""
    newest: dict[tuple[object, ...], Row] = {}
    for row in rows:
        if row.reference is not None:
            if not (row.reference.best and row.batchsize is None):
                newest[("reference", id(row))] = row
        elif row.outcome.status not in _NOT_RUN:
            key = (row.model, row.soc_version, row.batchsize, row.precision, row.backend, row.source)
            if key not in newest or newest[key].started <= row.started:
                newest[key] = row
    return list(newest.values())


def _same_cell(row: Row, other: Row) -> bool:
    """Whether two rows are of one cell; a reference that does not state its precision fits any."""
    if row.model != other.model or row.batchsize != other.batchsize:
        return False
    if other.reference is not None or row.reference is not None:
        published, own = (other, row) if other.reference is not None else (row, other)
        if published.reference is None or own.soc_version is None:
            return False
        return published.precision in {None, own.precision} and is_chip(published.reference, own.soc_version)
    return (row.soc_version, row.precision, row.backend) == (other.soc_version, other.precision, other.backend)


def _cell(
    row: Row, partners: Sequence[Row], tolerances: Tolerances, boundary: str, *, mixed: bool, strict: bool
) -> Judged:
    """One cell against its counterpart; several references may hold throughput and accuracy apart."""
    same = [each for each in partners if each.source == row.source] or list(partners)
    before = next((each for each in same if each.throughput is not None), same[0])
    differing, unknown = comparability(row, before)
    told = next((each for each in (before, *partners) if common_metrics(row, each)), before)
    metrics = common_metrics(row, told)
    other_data = not metrics and row.accuracy is not None and any(_has_accuracy(each) for each in partners)
    cell = Judged(row, before, "ok", None, metrics, None, differing, unknown, other_data)
    if "simulated" in {row.source, before.source} and row.source != before.source and not mixed:
        return replace(cell, verdict="not_comparable", metrics=(), reason="simulated")
    if strict and differing:
        return replace(cell, verdict="not_comparable", metrics=(), reason="strict")
    if row.outcome.status != "ok":
        if before.outcome.status != "ok":
            return replace(cell, verdict="not_comparable", reason="no_figures")
        return replace(cell, verdict="failed")
    found = quotient(row, before, boundary)
    if found is None and not metrics:
        has_both = row.throughput is not None and before.throughput is not None
        return replace(
            cell, verdict="not_comparable", reason="unit" if has_both and not divisible(row, before) else "no_figures"
        )
    return replace(cell, verdict=_verdict(found, metrics, tolerances), quotient=found)


def _has_accuracy(row: Row) -> bool:
    return row.accuracy is not None or bool(row.reference and row.reference.metrics)


def is_lost(points: Points, tolerance: float) -> bool:
    """Whether a metric fell by more than so many points; what two sums of floats differ by is no fall."""
    return -points.change > tolerance + 1e-9


def _verdict(found: Quotient | None, metrics: Sequence[Points], tolerances: Tolerances) -> Verdict:
    """The worst of what the figures say; a loss of accuracy has no noise, as the data are the same."""
    if found is not None and found.ratio.ratio < 1 - tolerances.throughput and found.word == "slower":
        return "slower"
    if any(is_lost(each, tolerances.accuracy_points) for each in metrics):
        return "less_accurate"
    if found is None:
        return "ok"
    if found.ratio.ratio < 1 - tolerances.throughput:
        return "within_noise"
    return "faster" if found.word == "faster" else "ok"


def common_metrics(now: Row, before: Row) -> tuple[Points, ...]:
    """The metrics that both sides have, in per cent; none where they are of different data or parts of them."""
    mine = now.accuracy
    if mine is None:
        return ()
    shares = {name: 100 * value for name, value in mine.device.metrics.items()}
    if before.reference is not None:
        whole = mine.limit is None and not mine.bad
        same = before.reference.dataset == mine.dataset and before.reference.mode in {None, mine.mode}
        other = dict(before.reference.metrics) if whole and same else {}
    elif before.accuracy is not None:
        theirs = before.accuracy
        other = {name: 100 * value for name, value in theirs.device.metrics.items()} if _alike(mine, theirs) else {}
    else:
        other = {}
    names = [mine.headline, *(name for name in shares if name != mine.headline)]
    return tuple(Points(name, other[name], shares[name]) for name in names if name in other and name in shares)


def _alike(mine: Accuracy, theirs: Accuracy) -> bool:
    """Whether two accuracies are of the same items of the same data, made into samples in the same way."""
    names = ("dataset", "split", "limit", "mode", "data_sha256")
    same = all(getattr(mine, name) == getattr(theirs, name) for name in names)
    return same and mine.device.items == theirs.device.items

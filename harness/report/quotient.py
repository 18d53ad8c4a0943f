"""One row's throughput over another's: the ratio with its interval, and what keeps the two from being comparable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.report.comparison import differences, why_unpaired
from harness.report.rows import HEADLINE, Row
from harness.timing.statistics import Ratio, paired_ratio, ratio_of_logs, t_interval, welch_ratio

ALIKE = frozenset({"samples/s", "fps"})
"""Units that count the same: a frame is a sample (DESIGN.md section 7)."""
_OF_THE_BATCH = frozenset({"model_sha256", "inputs", "batchsize"})
"""Parts of a fingerprint that follow from the batch size, since a network is exported for each."""
_OF_THE_DEVICE = frozenset({"backend", "tools"})
"""Parts that differ between any two devices with runtimes of their own: what is compared, not what disturbs it."""


@dataclass(frozen=True)
class Quotient:
    """Target over baseline at one boundary.

    ``unpaired`` says why rounds were not paired; ``floor`` is the larger |ln ratio| that is noise on either device.
    ``differing`` are parts of the fingerprints that differ, as ``precision: fp32, fp16``; ``unknown`` those that a
    source does not state.
    """

    target: Row
    baseline: Row
    ratio: Ratio
    unpaired: str | None
    floor: float
    differing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def word(self) -> str:
        """``faster``, ``slower``, or ``~`` where the interval holds 1 or the ratio is within the noise floor."""
        return self.ratio.word(self.floor)

    @property
    def shows_nothing(self) -> bool:
        """Whether the figures show no difference: an interval that holds 1, or a ratio within the noise floor.

        A ratio of numbers without intervals is no such thing: it is as good as its sources.
        """
        within = abs(math.log(self.ratio.ratio)) <= self.floor
        return within or (self.ratio.low is not None and self.word == "~")


def divisible(target: Row, baseline: Row) -> bool:
    """Whether the units allow a ratio: the same, or both unknown in one source."""
    if target.unit is None or baseline.unit is None:
        sources = {row.reference.citation.source if row.reference else None for row in (target, baseline)}
        return target.unit == baseline.unit and len(sources) == 1
    return target.unit == baseline.unit or {target.unit, baseline.unit} <= ALIKE


def quotient(target: Row, baseline: Row, boundary: str = HEADLINE) -> Quotient | None:
    """Target over baseline; None where either has no figure at this boundary or the units do not allow it."""
    top, bottom = _values(target, boundary), _values(baseline, boundary)
    if not top or not bottom or not divisible(target, baseline):
        return None
    unpaired = why_unpaired(target, baseline, top, bottom) if _measured(target) and _measured(baseline) else None
    differing, unknown = comparability(target, baseline)
    floor = max(target.floor or 0.0, baseline.floor or 0.0)
    return Quotient(
        target, baseline, _ratio(target, baseline, top, bottom, unpaired), unpaired, floor, differing, unknown
    )


def comparability(target: Row, baseline: Row) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What differs between two fingerprints, and what a side does not state.

    Where batch sizes differ, so does all that follows from them, and the table says that; where backends do, so do
    their tools.
    """
    mine, other = dict(target.fingerprint), dict(baseline.fingerprint)
    for fingerprint, row in ((mine, target), (other, baseline)):
        fingerprint.setdefault("batchsize", row.batchsize)
        fingerprint.setdefault("backend", row.backend)
    skipped = set(_OF_THE_BATCH) if mine["batchsize"] != other["batchsize"] else set()
    if mine["backend"] != other["backend"]:
        skipped |= _OF_THE_DEVICE
    keys = [key for key in dict.fromkeys([*mine, *other]) if key not in skipped]
    unknown = [key for key in keys if mine.get(key) is None or other.get(key) is None]
    known = [key for key in keys if key not in unknown]
    differing = list(differences({key: other[key] for key in known}, {key: mine[key] for key in known}))
    if "simulated" in {target.source, baseline.source} and target.source != baseline.source:
        differing.append(f"source: {baseline.source}, {target.source}")
    return tuple(differing), tuple(unknown)


def _measured(row: Row) -> bool:
    return row.reference is None


def _values(row: Row, boundary: str) -> Mapping[int, float]:
    """Samples/s by round; a reference's only number under 0."""
    if boundary == HEADLINE and row.throughput is not None:
        boundary = HEADLINE if HEADLINE in row.throughputs else str(row.boundary)
    rounds = row.rounds.get(boundary)
    if rounds:
        return rounds
    estimate = row.throughputs.get(boundary)
    return {0: estimate.mean} if estimate is not None and estimate.mean > 0 else {}


def _ratio(
    target: Row, baseline: Row, top: Mapping[int, float], bottom: Mapping[int, float], unpaired: str | None
) -> Ratio:
    """Paired by round, else Welch's; against a published number the interval is that of the measured side alone."""
    if _measured(target) and _measured(baseline):
        if unpaired is not None:
            return welch_ratio(list(top.values()), list(bottom.values()))
        both = sorted(top.keys() & bottom.keys())
        return paired_ratio([top[each] for each in both], [bottom[each] for each in both])
    logs = [math.log(a) - math.log(b) for a in top.values() for b in bottom.values()]
    return ratio_of_logs(t_interval(logs), paired=False)

"""The row of a report: what tables, charts and pages know of one cell or of one published number. Data only.

A row is small, so that thousands fit; the whole record behind one is read again by ``harness.report.query.record_of``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.records.found import Run
from harness.records.references import Reference
from harness.records.schema import Accuracy, Estimate, Outcome, Source, Tail, Weights

SAMPLES_PER_S = "samples/s"
"""The unit of what was measured or simulated here; a reference has the unit that its source states, or None."""
HEADLINE = "compute"
END_TO_END = "end_to_end"


@dataclass(frozen=True)
class Row:
    """One cell of one sweep, or one published number.

    ``soc_version`` is None only for a reference that belongs to no chip; ``batchsize``, ``precision``, ``backend`` and
    ``boundary`` are None where a source does not state them. ``throughputs`` are by boundary (``compute``,
    ``end_to_end``, ``offline``) in ``unit``; an estimate of a reference has no interval and ``n`` 0. ``rounds`` holds
    the same per process: by boundary, then round. ``means_ms`` are means over processes of the parts of a batch
    (``compute``, ``h2d``, ``d2h``, ``end_to_end``), ``latency_ms`` is the median per batch, ``iterations`` those of
    each process. ``stated`` is a reference's throughput as printed. ``floor`` is the |ln ratio| below which a
    difference is noise on the row's device, if that was calibrated.
    """

    source: Source
    model: str
    soc_version: str | None
    batchsize: int | None
    precision: str | None
    backend: str | None
    boundary: str | None
    outcome: Outcome
    place: str
    throughputs: Mapping[str, Estimate] = field(default_factory=dict)
    rounds: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    unit: str | None = SAMPLES_PER_S
    stated: str | None = None
    latency_ms: Estimate | None = None
    percentiles: Mapping[str, Tail] = field(default_factory=dict)
    means_ms: Mapping[str, float] = field(default_factory=dict)
    verdict: str | None = None
    findings: tuple[str, ...] = ()
    joules_per_sample: float | None = None
    accuracy: Accuracy | None = None
    weights: Weights | None = None
    reference: Reference | None = None
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    hardware: str | None = None
    host: str | None = None
    profile: str | None = None
    overrides: tuple[str, ...] = ()
    interleaved: bool = False
    sweep_id: str = ""
    name: str = ""
    record_id: str = ""
    started: str = ""
    iterations: tuple[int, ...] = ()
    harness_version: str = ""
    floor: float | None = None
    files: tuple[str, ...] = ()
    folder: Path | None = None
    run: Run | None = None
    content: bytes | None = field(default=None, repr=False)

    @property
    def throughput(self) -> Estimate | None:
        """The headline: samples per second of the boundary that the row's tables show (device compute)."""
        return self.throughputs.get(HEADLINE) or (self.throughputs.get(self.boundary) if self.boundary else None)


@dataclass(frozen=True)
class Problem:
    """Something that could not be used, or not whole: where, and one line that says why."""

    place: str
    message: str


@dataclass(frozen=True)
class Loaded:
    """Rows in order of their start (references last), and what was left out."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()

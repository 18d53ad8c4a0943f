"""From the repeats of a cell to its two estimates: throughput and latency, each with an interval over processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from harness.timing.statistics import Estimate, t_interval, verdict


class RepeatTimes(Protocol):
    """What is needed of one process; ``harness.records.schema.Repeat`` has it. Properties, so that frozen data fits."""

    @property
    def iterations(self) -> int:
        """Timed iterations."""

    @property
    def mean_ms(self) -> float:
        """Mean time of an iteration (one batch)."""

    @property
    def median_ms(self) -> float:
        """Median time of an iteration (one batch)."""

    @property
    def window_s(self) -> float:
        """Wall time from the first timed iteration's start to the last one's end."""


@dataclass(frozen=True)
class CellSummary:
    """The numbers of ``harness.records.schema.Summary``, field by field: ``Summary(**dataclasses.asdict(...))``.

    Throughputs in samples/s, latency in ms per batch, ``iterations`` over all processes.
    """

    boundary: str
    throughput: Estimate
    latency_ms: Estimate
    offline_throughput: Estimate | None
    iterations: int
    verdict: Literal["stable", "noisy", "unstable"]


def summarise(repeats: Sequence[RepeatTimes], batchsize: int, boundary: str) -> CellSummary:
    """Estimate throughput (``1000 * batchsize / mean ms`` per process) and latency (median per process) over processes.

    Offline throughput is samples over the wall time of the timed window, or None where a process has no window. The
    verdict is that of the throughput, which tables and gate use.

    Raises:
        ValueError: no repeats, or a time that is not positive.
    """
    if not repeats or any(min(repeat.mean_ms, repeat.median_ms) <= 0 for repeat in repeats):
        raise ValueError("needs at least one repeat, all with times above 0")
    throughput = t_interval([1000 * batchsize / repeat.mean_ms for repeat in repeats])
    offline = None
    if all(repeat.window_s > 0 for repeat in repeats):
        offline = t_interval([repeat.iterations * batchsize / repeat.window_s for repeat in repeats])
    return CellSummary(
        boundary=boundary,
        throughput=throughput,
        latency_ms=t_interval([repeat.median_ms for repeat in repeats]),
        offline_throughput=offline,
        iterations=sum(repeat.iterations for repeat in repeats),
        verdict=verdict(throughput),
    )

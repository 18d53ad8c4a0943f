"""From the repeats of a cell to its two estimates: throughput and latency, each with an interval over processes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from harness.timing.boundaries import Bound, bound
from harness.timing.statistics import Estimate, coefficient_of_variation, t_interval, verdict


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

    @property
    def means_ms(self) -> Mapping[str, float]:
        """Mean time of a batch by boundary, as far as they are known."""

    @property
    def spread(self) -> float | None:
        """Standard deviation of an iteration over the mean."""

    @property
    def percentiles(self) -> Mapping[str, Latency]:
        """The percentiles that the iterations earned."""


class Latency(Protocol):
    """A percentile of one process; ``harness.records.schema.Tail`` has it."""

    @property
    def value_ms(self) -> float:
        """The percentile."""

    @property
    def upper_ms(self) -> float:
        """What it stays below with 99 % confidence."""


@dataclass(frozen=True)
class TailSummary:
    """A percentile over processes: the mean, and the largest bound."""

    value_ms: float
    upper_ms: float


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
    throughputs: Mapping[str, Estimate] = field(default_factory=dict)
    percentiles: Mapping[str, TailSummary] = field(default_factory=dict)
    bound: Bound | None = None
    spread_between: float | None = None
    spread_within: float | None = None


def summarise(repeats: Sequence[RepeatTimes], batchsize: int, boundary: str) -> CellSummary:
    """Estimate throughput (``1000 * batchsize / mean ms`` per process) and latency (median per process) over processes.

    Offline throughput is samples over the wall time of the timed window, or None where a process has no window. The
    verdict is that of the throughput, which tables and gate use.

    Raises:
        ValueError: no repeats, or a time that is not positive.
    """
    if not repeats or any(min(repeat.mean_ms, repeat.median_ms) <= 0 for repeat in repeats):
        raise ValueError("needs at least one repeat, all with times above 0")
    rates = [1000 * batchsize / repeat.mean_ms for repeat in repeats]
    throughput = t_interval(rates)
    spreads = [repeat.spread for repeat in repeats if repeat.spread is not None]
    offline = None
    if all(repeat.window_s > 0 for repeat in repeats):
        offline = t_interval([repeat.iterations * batchsize / repeat.window_s for repeat in repeats])
    means = [repeat.means_ms for repeat in repeats]
    throughputs = {boundary: throughput}
    for name in ("compute", "end_to_end"):
        if name != boundary and all(each.get(name, 0.0) > 0 for each in means):
            throughputs[name] = t_interval([1000 * batchsize / each[name] for each in means])
    if offline is not None:
        throughputs["offline"] = offline
    return CellSummary(
        boundary=boundary,
        throughput=throughput,
        latency_ms=t_interval([repeat.median_ms for repeat in repeats]),
        offline_throughput=offline,
        iterations=sum(repeat.iterations for repeat in repeats),
        verdict=verdict(throughput),
        throughputs=throughputs,
        percentiles=_tails(repeats),
        spread_between=coefficient_of_variation(rates),
        spread_within=math.sqrt(sum(each**2 for each in spreads) / len(spreads)) if spreads else None,
        bound=bound({name: sum(each[name] for each in means) / len(means) for name in _common(means)}),
    )


def _tails(repeats: Sequence[RepeatTimes]) -> dict[str, TailSummary]:
    """The percentiles that every process earned."""
    found = {}
    for name in _common([repeat.percentiles for repeat in repeats]):
        tails = [repeat.percentiles[name] for repeat in repeats]
        found[name] = TailSummary(
            sum(each.value_ms for each in tails) / len(tails), max(each.upper_ms for each in tails)
        )
    return found


def _common(mappings: Sequence[Mapping[str, object]]) -> list[str]:
    """The names that all mappings have, in the order of the first."""
    return [name for name in mappings[0] if all(name in each for each in mappings)]

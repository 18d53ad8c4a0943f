"""From repeats to the two estimates of a cell, and into the record's own Summary."""

from __future__ import annotations

import dataclasses
from statistics import mean

import pytest

from harness.records.schema import Repeat, Summary
from harness.timing.statistics import t_interval
from harness.timing.summary import summarise


def a_repeat(round_: int, mean_ms: float, median_ms: float, window_s: float = 1.0) -> Repeat:
    return Repeat(
        round=round_,
        started="2026-01-01T00:00:00+00:00",
        boundary="compute",
        iterations=10,
        mean_ms=mean_ms,
        median_ms=median_ms,
        min_ms=1,
        max_ms=1000,
        warmup_iterations=1,
        first_iteration_ms=mean_ms,
        load_s=0.1,
        window_s=window_s,
        samples_file="samples.npz",
    )


def test_throughput_is_per_process_and_latency_is_the_median():
    repeats = [a_repeat(0, 100, 90, 2.0), a_repeat(1, 125, 110, 2.5), a_repeat(2, 80, 75, 1.6)]
    summary = summarise(repeats, batchsize=4, boundary="compute")
    assert summary.throughput == t_interval([40, 32, 50])
    assert summary.throughput.mean == pytest.approx(mean([40, 32, 50]))
    assert summary.latency_ms == t_interval([90, 110, 75])
    assert summary.offline_throughput == t_interval([20, 16, 25])
    assert summary.iterations == 30
    assert summary.verdict == "unstable"


def test_the_numbers_fit_the_record():
    numbers = summarise([a_repeat(0, 100, 90), a_repeat(1, 100.1, 90)], batchsize=1, boundary="compute")
    summary = Summary(**dataclasses.asdict(numbers))
    assert summary.verdict == "stable"
    assert summary.throughput.n == 2
    assert summary.throughput.relative_halfwidth == numbers.throughput.relative_halfwidth


def test_one_process_gives_numbers_without_an_interval():
    summary = summarise([a_repeat(0, 100, 90, window_s=0)], batchsize=2, boundary="compute")
    assert (summary.throughput.mean, summary.throughput.low) == (20, None)
    assert summary.offline_throughput is None
    assert summary.verdict == "unstable"


def test_no_repeats_is_refused():
    with pytest.raises(ValueError, match="at least one repeat"):
        summarise([], batchsize=1, boundary="compute")

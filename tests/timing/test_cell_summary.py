"""From repeats to the two estimates of a cell, and into the record's own Summary."""

from __future__ import annotations

import dataclasses
from statistics import mean

import pytest

from harness.records.schema import Repeat, Summary, Tail
from harness.timing.boundaries import bound, with_end_to_end, with_smaller_output
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


def test_every_boundary_has_its_throughput_and_the_copies_are_named_where_they_bound():
    means = {"compute": 50.0, "h2d": 1.0, "d2h": 98.0, "end_to_end": 149.0}
    repeats = [dataclasses.replace(a_repeat(number, 50, 50), means_ms=means) for number in range(3)]
    summary = summarise(repeats, batchsize=1, boundary="compute")
    assert {name: each.mean for name, each in summary.throughputs.items()} == pytest.approx(
        {"compute": 20, "end_to_end": 1000 / 149, "offline": 10}
    )
    assert summary.bound == "transfer-bound"
    # DESIGN.md: with 98 ms of copying the caller sees a third; 16 times less to copy gives most of it back.
    assert with_smaller_output(means, 1) == pytest.approx(1000 / (149 - 98 * 15 / 16))


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ({"compute": 10, "h2d": 9, "d2h": 9}, None),
        ({"compute": 10, "h2d": 10}, "transfer-bound"),
        ({"compute": 10, "enqueue": 9}, "host-bound"),
        ({"compute": 10, "enqueue": 8}, None),
        ({"end_to_end": 10}, None),
    ],
)
def test_what_holds_a_cell_up(means, expected):
    assert bound(means) == expected
    assert with_end_to_end({"compute": 5.0, "d2h": 2.0})["end_to_end"] == 7


def test_a_percentile_needs_every_process_to_have_earned_it():
    earned = {"p90": Tail(60, 63)}
    repeats = [dataclasses.replace(a_repeat(0, 50, 50), percentiles=earned | {"p99": Tail(70, 99)})]
    repeats.append(dataclasses.replace(a_repeat(1, 50, 50), percentiles={"p90": Tail(64, 70)}))
    assert dataclasses.asdict(summarise(repeats, 1, "compute"))["percentiles"] == {
        "p90": {"value_ms": 62, "upper_ms": 70}
    }


def test_spread_between_and_within_processes_are_kept_apart():
    repeats = [dataclasses.replace(a_repeat(n, mean, mean), spread=s) for n, mean, s in ((0, 99, 0.03), (1, 101, 0.04))]
    summary = summarise(repeats, 1, "compute")
    assert summary.spread_within == pytest.approx(0.035355, abs=1e-6)
    assert summary.spread_between == pytest.approx(0.0141, abs=1e-4)
    assert summarise(repeats[:1], 1, "compute").spread_between is None

"""The time left: from what was measured, from a budget that is named as one, or unknown; never invented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.schema import Outcome
from harness.sweep.estimate import HISTORY_LENGTH, History, Planned, Remaining, Work, planned, scaled
from harness.sweep.manifest import Manifest
from tests.sweep.plans import cell, manifest

EXPORT = Work("export", "swin98", 4, device="cpu")
MEASURE = Work("measure", "swin98", 4, "smoke", "cpu")


def at(work: Work, batchsize: int) -> Work:
    return replace(work, batchsize=batchsize)


def test_without_any_experience_the_time_is_unknown() -> None:
    assert History().remaining([Planned("a", EXPORT)]) is None
    assert History().remaining([]) == Remaining(0.0)


def test_a_step_that_was_seen_takes_as_long_again_on_average() -> None:
    history = History()
    history.observe(MEASURE, 30)
    history.observe(MEASURE, 40)
    assert history.remaining([Planned("a", MEASURE, 3, 30.0)] * 2) == Remaining(70.0)


def test_preparing_is_scaled_from_one_batch_size_in_proportion_and_from_two_along_a_line() -> None:
    history = History()
    history.observe(at(EXPORT, 1), 10)
    assert history.expected(at(EXPORT, 4)) == 40
    history.observe(at(EXPORT, 4), 25)
    assert history.expected(at(EXPORT, 8)) == pytest.approx(45)
    assert history.expected(replace(EXPORT, model="other")) is None
    assert history.expected(replace(EXPORT, device="T4")) is None
    assert history.expected(replace(EXPORT, stage="simplify")) is None


def test_a_repeat_that_was_never_measured_counts_with_its_budget_and_that_is_said() -> None:
    history = History()
    history.observe(at(MEASURE, 1), 30)
    steps = [Planned("a", at(MEASURE, 1), 1, 30.0), Planned("b", MEASURE, 1, 30.0)]
    assert history.remaining(steps) == Remaining(60.0, by_budget=True)


def test_one_unknown_step_makes_the_sum_unknown() -> None:
    history = History()
    history.observe(EXPORT, 10)
    assert history.remaining([Planned("a", EXPORT), Planned("a", replace(EXPORT, stage="parity"))]) is None


def test_a_line_that_falls_is_noise() -> None:
    assert scaled({1: 10.0, 4: 8.0}, 8) == 8.0
    assert scaled({4: 1.0, 8: 9.0}, 1) == 1.0
    assert scaled({}, 3) is None


@given(
    st.dictionaries(st.integers(1, 512), st.floats(0.01, 1e4), min_size=1, max_size=6),
    st.integers(1, 512),
)
def test_an_estimate_is_always_a_positive_time(known: Mapping[int, float], batchsize: int) -> None:
    seconds = scaled(known, batchsize)
    assert seconds is not None
    assert 0 < seconds < float("inf")


@given(
    st.floats(0, 100), st.floats(0.001, 100), st.sets(st.integers(1, 64), min_size=2, max_size=5), st.integers(1, 64)
)
def test_times_on_a_line_are_met(constant: float, per_sample: float, sizes: set[int], batchsize: int) -> None:
    known = {size: constant + per_sample * size for size in sizes}
    assert scaled(known, batchsize) == pytest.approx(constant + per_sample * batchsize, rel=1e-6, abs=1e-6)


def test_the_next_sweep_knows_what_this_one_took(tmp_path: Path) -> None:
    file = tmp_path / "sweeps" / "history.json"
    first = History(file)
    first.observe(EXPORT, 12.5)
    first.save()
    assert History(file).expected(EXPORT) == 12.5
    second = History(file)
    second.observe(EXPORT, 20)
    second.observe(MEASURE, 31)
    second.save()
    assert History(file).expected(EXPORT) == 20
    assert [path.name for path in file.parent.iterdir()] == ["history.json"]


def test_two_sweeps_that_end_together_keep_both_their_times(tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    one, other = History(file), History(file)
    one.observe(EXPORT, 10)
    other.observe(MEASURE, 30)
    one.save()
    other.save()
    assert (History(file).expected(EXPORT), History(file).expected(MEASURE)) == (10, 30)


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    history = History(tmp_path / "history.json")
    for batchsize in range(1, HISTORY_LENGTH + 11):
        history.observe(at(MEASURE, batchsize), 1)
    history.save()
    kept = History(tmp_path / "history.json")
    assert kept.expected(at(MEASURE, 10)) is None
    assert kept.expected(at(MEASURE, 11)) == 1


GOOD = {"work": {"stage": "export", "model": "m", "batchsize": 1}, "seconds": 1.0}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        json.dumps({"version": 2, "steps": [GOOD]}),
        json.dumps({"version": 1, "steps": [{**GOOD, "seconds": -1}]}),
        json.dumps({"version": 1, "steps": [{**GOOD, "seconds": "soon"}]}),
        json.dumps({"version": 1, "steps": [{**GOOD, "work": {"stage": "export", "model": "m", "batchsize": 0}}]}),
    ],
)
def test_a_damaged_file_is_ignored_and_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "history.json"
    file.write_text(content)
    history = History(file)
    assert history.expected(Work("export", "m", 1)) is None
    history.observe(EXPORT, 3)
    history.save()
    assert History(file).expected(EXPORT) == 3


def test_a_file_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    history = History(tmp_path / "file" / "history.json")
    history.observe(EXPORT, 3)
    history.save()


def test_the_plan_of_a_sweep_prepares_the_cells_and_then_goes_round() -> None:
    plan: Manifest = manifest(
        cell(0, "a", batchsize=1, rounds=2),
        cell(1, "b", batchsize=4, rounds=1, parity=False),
        cell(2, "c", decided=Outcome(status="skipped")),
    )
    assert [(step.cell, step.work.stage, step.round) for step in planned(plan)] == [
        ("a", "export", None),
        ("a", "simplify", None),
        ("a", "parity", None),
        ("b", "export", None),
        ("b", "simplify", None),
        ("a", "measure", 1),
        ("b", "measure", 1),
        ("a", "measure", 2),
    ]
    assert planned(plan)[0].work == Work("export", "swin98", 1, device="cpu")
    assert planned(plan)[-1] == Planned("a", Work("measure", "swin98", 1, "smoke", "cpu"), 2, 30.0)

"""A rerun is judged by the interval of its ratio, its accuracy and its outcome; too little is no success."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.records.schema import Artifact, MaxBatch, Outcome, Record, Step
from harness.report.reproduction import reproduction, reproduction_table
from tests.report.documents import accuracy
from tests.report.folders import failed, measured

OLD = measured(1, 10.0)


def again(per_s: float = 10.0, **changes: object) -> Record:
    return measured(1, per_s, sweep="20260202-000000-b", **changes)


def test_a_difference_within_the_interval_is_none_and_one_beyond_it_is_said() -> None:
    same = reproduction(OLD, again(10.1))
    assert same.verdict == "reproduced"
    assert same.reason == "throughput +1 %, and the interval of now / then holds 1"
    assert [(line.what, line.agrees) for line in same.lines] == [("samples/s", True), ("median ms", None)]
    other = reproduction(OLD, again(11.0))
    assert other.verdict == "not reproduced"
    assert other.reason == "throughput +10 %, and the interval of now / then does not hold 1"
    assert other.lines[0].agrees is False
    row = reproduction_table(other, [OLD]).rows[0]
    assert (row["then"], row["now"], row["is"]) == ("10.0 ±0.2", "11.0 ±0.3", "differs")
    assert float(row["now / then"]) == pytest.approx(1.1, abs=0.01)
    assert reproduction(OLD, again(10.9), floor=math.log(1.10)).verdict == "reproduced"


def test_one_process_decides_nothing_without_a_tolerance() -> None:
    one = replace(again(), repeats=again().repeats[1:2])
    assert reproduction(OLD, one).verdict == "undecided"
    assert reproduction(OLD, one, floor=0.01).verdict == "reproduced"
    assert (
        reproduction(OLD, replace(again(20.0), repeats=again(20.0).repeats[1:2]), floor=0.01).verdict
        == "not reproduced"
    )
    assert reproduction(OLD, replace(again(), repeats=())).verdict == "not reproduced"


def test_a_wide_interval_decides_nothing() -> None:
    both = zip(again().repeats, (0.7, 1.0, 1.4), strict=True)
    noisy = replace(again(), repeats=tuple(replace(each, mean_ms=each.mean_ms * by) for each, by in both))
    found = reproduction(OLD, noisy)
    assert found.verdict == "undecided"
    assert "holds 1, but as well a difference of " in found.reason
    assert reproduction_table(found, [OLD]).rows[0]["is"] == "undecided"
    assert reproduction(OLD, noisy, floor=1.0).verdict == "reproduced"


def test_accuracy_has_to_be_equal_as_printed() -> None:
    old = replace(OLD, accuracy=accuracy(0.47721, 1))
    assert reproduction(old, again(accuracy=accuracy(0.47723, 1))).verdict == "reproduced"
    other = reproduction(old, again(accuracy=accuracy(0.4782, 1)))
    assert other.verdict == "not reproduced"
    assert other.reason.startswith("another mIoU %; throughput")
    assert [(line.then, line.now) for line in other.lines if line.what == "mIoU %"] == [("47.72", "47.82")]
    assert reproduction(old, again()).reason.startswith("another accuracy; ")


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ("oom", "oom", "reproduced"),
        ("unsupported", "unsupported", "reproduced"),
        ("failed", "failed", "not reproduced"),
        ("crashed", "timeout", "not reproduced"),
        ("ok", "oom", "not reproduced"),
        ("oom", "ok", "not reproduced"),
    ],
)
def test_an_outcome_is_a_result(old: str, new: str, verdict: str) -> None:
    then, now = (measured(1) if status == "ok" else failed(1, status) for status in (old, new))
    found = reproduction(then, now)
    assert found.verdict == verdict
    assert new in found.reason


def test_files_and_largest_batches_are_results_too() -> None:
    file = {"exported": Artifact("a" * 64, 1, ".onnx")}
    export = replace(OLD, repeats=(), summary=None, artifacts=file)
    assert reproduction(export, export).verdict == "reproduced"
    assert reproduction(export, replace(export, artifacts={"exported": Artifact("b" * 64, 1, ".onnx")})).reason == (
        "another file"
    )
    largest = replace(OLD, max_batch=MaxBatch(8, "oom"))
    assert reproduction(largest, again(max_batch=MaxBatch(8, "cap"))).verdict == "reproduced"
    assert reproduction(largest, again(max_batch=MaxBatch(4, "oom"))).reason.startswith("another largest batch")
    assert Outcome("ok") == OLD.outcome


def test_simulated_figures_are_marked() -> None:
    then, now = replace(OLD, source="simulated"), again(source="simulated")
    table = reproduction_table(reproduction(then, now), [then, now])
    assert (table.rows[0]["then"], table.rows[0]["now"]) == ("10.0 ±0.2*", "10.0 ±0.2*")
    assert "* simulated by a stand-in" in table.notes[-1]


def test_an_accuracy_that_was_kept_shows_nothing() -> None:
    old = replace(OLD, accuracy=accuracy(0.47721, 1))
    kept = again(accuracy=accuracy(0.47721, 1), steps=(Step("evaluate", Outcome("ok", "evaluate"), cached=True),))
    found = reproduction(old, kept)
    assert [row["is"] for row in reproduction_table(found, [old]).rows] == ["same", "", "kept, not evaluated again"]

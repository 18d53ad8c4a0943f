"""What a report reads: folders, damaged records, one record in two places, references beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.records.found import Found, Run
from harness.records.places import found_below
from harness.records.references import Citation, Reference
from harness.report.query import load, record_of
from harness.report.selection import moment
from tests.report.folders import keep, measured


def test_what_cannot_be_used_is_named_and_the_rest_is_reported(tmp_path: Path) -> None:
    good = keep(measured(1), tmp_path)
    future, broken = (keep(measured(batchsize), tmp_path) for batchsize in (4, 8))
    data = json.loads((future / "record.json").read_bytes())
    (future / "record.json").write_text(json.dumps({**data, "schema_version": 99, "surprise": 1}))
    (broken / "record.json").write_text("{")
    loaded = load([*found_below(tmp_path), Found("a store, run x", problem="its artifact is missing")])
    assert [row.folder for row in loaded.rows] == [good]
    named = {problem.place: problem.message for problem in loaded.problems}
    assert "schema version 99" in named[str(future)]
    assert "not JSON" in named[str(broken)]
    assert named["a store, run x"] == "its artifact is missing"


def test_a_record_in_its_folder_and_in_mlflow_is_one_row_that_knows_both(tmp_path: Path) -> None:
    folder = keep(measured(1), tmp_path)
    run = Run("http://tracking:5000", "7", "abc")
    published = Found("http://tracking:5000, run", content=(folder / "record.json").read_bytes(), run=run)
    for order in ([published, *found_below(tmp_path)], [*found_below(tmp_path), published]):
        (row,) = load(order).rows
        assert row.folder == folder
        assert row.run is not None
        assert row.run.page == "http://tracking:5000/#/experiments/7/runs/abc"
    (remote,) = load([published]).rows
    assert record_of(remote) == record_of(row)


def test_a_reference_is_a_row_of_its_source_without_what_it_does_not_state() -> None:
    reference = Reference(model="m", citation=Citation("somebody"), chip="T4", batchsize=4, throughput=5.0)
    (row,) = load([], [reference]).rows
    assert (row.source, row.soc_version, row.unit, row.precision) == ("reference", "T4", None, None)
    assert row.throughput is not None
    assert (row.throughput.mean, row.throughput.low, row.throughput.n) == (5.0, None, 0)
    assert record_of(row) is None


def test_a_home_is_read_by_its_records_only_and_a_missing_folder_refused(tmp_path: Path) -> None:
    keep(measured(1), tmp_path)
    copy = tmp_path / "artifacts" / "copy"
    copy.mkdir(parents=True)
    (copy / "record.json").write_text("{")
    assert len(list(found_below(tmp_path))) == 1
    with pytest.raises(ConfigError, match="no such folder"):
        list(found_below(tmp_path / "nowhere"))


def test_a_time_in_utc_may_end_in_z_with_every_python() -> None:
    assert moment("2026-11-22T08:30:00Z") == moment("2026-11-22T09:30:00+01:00") == moment("2026-11-22T08:30:00")

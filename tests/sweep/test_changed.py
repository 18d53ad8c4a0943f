"""A cell whose model is no longer the one that it was planned or measured with does not go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.records.io import write_record
from harness.records.schema import Artifact, Outcome, Record, Repeat, Step
from harness.stages.pipeline import Pipeline
from harness.stages.store import Store
from harness.sweep.cell import CellRun, build_record
from harness.sweep.changed import changed_file, changed_model, frozen_files
from harness.sweep.manifest import Cell, read_manifest, write_manifest
from harness.sweep.restore import ASIDE, restore
from tests.sweep.plans import cell, manifest


def running(planned: Cell, folder: Path, sha256: str = "a" * 64) -> CellRun:
    """A cell that is prepared, with a model of that hash."""
    run = CellRun(planned, folder, Pipeline(planned.settings, Store(folder / "store"), folder))
    artifacts = {"exported": Artifact("0" * 64, 1, ".onnx"), "simplified": Artifact(sha256, 1, ".onnx")}
    run.pipeline.steps["simplify"] = Step("simplify", Outcome("ok"), artifacts=artifacts)
    return run


def record_of(run: CellRun) -> Record:
    return build_record(run, manifest(run.cell), device={}, environment={})


def test_a_model_file_that_was_replaced_after_planning_ends_the_cell(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"planned")
    plain = cell(0, "one")
    settings = replace(plain.settings, model=replace(plain.settings.model, file=str(file)))
    planned = replace(plain, settings=settings, files=frozen_files(settings))
    write_manifest(manifest(planned), tmp_path / "manifest.json")
    (again,) = read_manifest(tmp_path / "manifest.json").cells
    run = running(again, tmp_path)
    assert changed_file(run) is None
    file.write_bytes(b"another one")
    outcome = changed_file(run)
    assert outcome is not None
    assert (outcome.status, outcome.reason) == ("failed", "model_changed")
    assert str(file) in str(outcome.message)
    file.unlink()
    assert changed_file(run) is None  # the stage that reads it says that it is gone
    assert frozen_files(settings) == {}


def test_rounds_of_two_models_are_never_pooled(tmp_path: Path) -> None:
    first = running(cell(0, "one"), tmp_path)
    first.repeats = [Repeat(1, "now", "device_compute", 5, 2.0, 2.0, 2.0, 2.0, 1, 2.0, 0.1, 0.1, "round-01.npz")]
    for sha256, same in (("a" * 64, True), ("b" * 64, False)):
        run = running(first.cell, tmp_path, sha256)
        run.before = record_of(first)
        assert changed_model(run) is None  # nothing was measured before
        run.repeats = list(first.repeats)
        outcome = changed_model(run)
        assert (outcome is None) == same
        if outcome is not None:
            run.outcome = outcome
            kept = record_of(run)
            assert kept.outcome.reason == "model_changed"
            assert kept.fingerprint["model_sha256"] == "a" * 64  # of what the figures belong to


def test_a_record_of_a_newer_harness_is_put_aside_and_not_overwritten(tmp_path: Path) -> None:
    run = CellRun(cell(0, "one"), tmp_path, Pipeline(cell(0, "one").settings, Store(tmp_path / "store"), tmp_path))
    newer = write_record(record_of(run), tmp_path)
    content = newer.read_text().replace('"schema_version": ', '"schema_version": 9')
    newer.write_text(content)
    restore(run)
    assert (run.active, run.before, newer.exists()) == (True, None, False)
    assert (tmp_path / ASIDE).read_text() == content
    assert ASIDE in record_of(run).notes[-1]


def test_rounds_measured_with_other_versions_are_said_to_be(tmp_path: Path) -> None:
    run = running(cell(0, "one"), tmp_path)
    repeat = Repeat(1, "now", "device_compute", 5, 2.0, 2.0, 2.0, 2.0, 1, 2.0, 0.1, 0.1, "round-01.npz")
    run.prepared, run.repeats, run.tools = True, [repeat], {"onnxruntime": "1.30"}
    run.before = record_of(run)
    assert record_of(run).notes == ()
    run.repeats, run.tools = [repeat, replace(repeat, round=2)], {"onnxruntime": "1.31"}
    note = "its rounds are not alike: the first with onnxruntime 1.30, 1.31 later"
    assert record_of(run).notes == (note,)
    run.before = record_of(run)  # killed and gone on with once more
    run.repeats = [*run.repeats, replace(repeat, round=3)]
    assert record_of(run).notes == (note,)

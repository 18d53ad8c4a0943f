"""One cell of a sweep: what is kept of it when a sweep goes on, and what the process of a step is given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.records.io import write_record
from harness.records.schema import MaxBatch, Outcome, Record, Repeat, Step
from harness.records.sealing import VARIABLE, from_text, opened
from harness.stages.pipeline import Pipeline, preparation
from harness.stages.request import Request
from harness.stages.store import Store
from harness.sweep import step
from harness.sweep.cell import CellRun
from harness.sweep.process import ChildExit
from harness.sweep.progress import Progress
from harness.sweep.restore import finished_cell, restore
from tests.sweep.plans import cell

OK = Outcome(status="ok")
CELL = cell(0, "a", rounds=3)
STAGES = preparation(CELL.settings)


def record(rounds: int = 3, stages: tuple[str, ...] = STAGES, outcome: Outcome = OK) -> Record:
    """The record of the cell after so many rounds."""
    repeats = tuple(
        Repeat(number, "", "compute", 2, 1.0, 1.0, 1.0, 1.0, 0, 1.0, 0.1, 1.0, "") for number in range(1, rounds + 1)
    )
    steps = (*(Step(name, OK) for name in stages), *(Step("measure", OK, round=each.round) for each in repeats))
    return Record("id", "sweep", 0, "a", "then", "", {}, (), outcome, "measured", {}, steps=steps, repeats=repeats)


def restored(found: Record, folder: Path, *, retry: bool = False) -> CellRun:
    """The cell when a sweep goes on from that record."""
    write_record(found, folder)
    run = CellRun(CELL, folder, Pipeline(CELL.settings, Store(folder / "store"), folder))
    restore(run, retry=retry)
    return run


@pytest.mark.parametrize(
    ("found", "kept", "kept_on_retry"),
    [
        (record(), True, True),
        (record(rounds=2), False, False),
        (record(stages=STAGES[:-1]), False, False),
        (record(0, (), Outcome(status="failed", reason="exception")), True, False),
        (record(0, (), Outcome(status="crashed", reason="killed_by_signal")), True, False),
        (record(1, STAGES, Outcome(status="crashed", reason="sigkill")), False, False),
        (record(1, STAGES, Outcome(status="cancelled", reason="interrupted")), False, False),
    ],
)
def test_a_finished_cell_is_kept_and_no_other(tmp_path: Path, found: Record, kept: bool, kept_on_retry: bool) -> None:
    assert restored(found, tmp_path / "one").kept is kept
    assert restored(found, tmp_path / "two", retry=True).kept is kept_on_retry


def test_an_unfinished_cell_keeps_its_rounds(tmp_path: Path) -> None:
    run = restored(record(rounds=2), tmp_path)
    assert run.rounds == {1, 2}
    assert run.started == "then"
    assert run.earlier.keys() == set(STAGES)


def test_a_largest_batch_that_was_found_is_not_looked_for_again() -> None:
    settings = replace(CELL.settings, find_max_batch=True)
    searching = replace(CELL, settings=settings)
    small = record(0, (), Outcome(status="oom"))
    assert not finished_cell(searching, small)
    assert finished_cell(searching, replace(small, max_batch=MaxBatch(2, "oom")), retry=True)


def test_what_a_step_is_asked_holds_no_password_and_its_process_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, str]] = []

    def child(command: Sequence[str], *, env: Mapping[str, str], **_: Any) -> ChildExit:
        asked.append((Path(command[3]), env[VARIABLE]))
        return ChildExit("", 1.0, exit_status=1)

    monkeypatch.setattr(step, "run_child", child)
    tracking = replace(CELL.settings.tracking, uri="postgresql://me:hunter2hunter2@db/mlflow")
    settings = replace(CELL.settings, tracking=tracking)
    run = CellRun(replace(CELL, settings=settings), tmp_path, Pipeline(settings, Store(tmp_path / "store"), tmp_path))
    request = Request(
        stage="export", settings=settings, store=tmp_path, record=tmp_path, key=None, inputs={}, round=None
    )
    step.run_step(run, request, Progress(Console(quiet=True)))
    ((file, sealed),) = asked
    assert "hunter2" not in file.read_text()
    whole = opened(json.loads(file.read_text()), from_text(sealed))
    assert whole["settings"]["tracking"]["uri"] == tracking.uri

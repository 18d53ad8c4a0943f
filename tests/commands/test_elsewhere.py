"""What a sweep on a foreign launcher makes of workers that die: only the cell that they ran is lost, and it says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.commands import elsewhere
from harness.commands.run import new_sweep
from harness.records.schema import Outcome, Record
from harness.sweep.manifest import Manifest, read_manifest
from tests.sweep.plans import cell, manifest

FAILED = Outcome(status="failed", reason="exception", message="as it happens")


class Launcher:
    """Runs the cells that do not kill their worker, which then ends in a failure of the launcher as a whole."""

    def __init__(self, home: Path, deadly: Sequence[int], times: int, first: Outcome = FAILED) -> None:
        self.home, self.deadly, self.times, self.first = home, deadly, times, first
        self.asked: list[list[int]] = []

    def __call__(self, path: Path, indices: Sequence[int]) -> None:
        self.asked.append(list(indices))
        dying = [index for index in indices if index in self.deadly and len(self.asked) <= self.times]
        plan = read_manifest(path)
        ends = self.first if len(self.asked) == 1 else FAILED
        cells = tuple(replace(each, decided=ends) for each in plan.cells)
        done = [index for index in indices if index not in dying]
        new_sweep(replace(plan, cells=cells), self.home, Console(quiet=True), only=done, resume=True).run()
        if dying:
            raise RuntimeError("a worker process was terminated")


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """The records that the sweep is finished with, once."""
    found: list[Record] = []

    def finish(_: Manifest, records: Sequence[Record], *__: Any, **___: Any) -> int:
        assert not found
        found.extend(records)
        return 1

    monkeypatch.setattr(elsewhere, "finish", finish)
    monkeypatch.setattr(elsewhere, "prepared", lambda plan, _: plan)
    return found


@pytest.mark.parametrize(("times", "asked"), [(0, [[0, 1, 2]]), (1, [[0, 1, 2], [1]])])
def test_a_cell_whose_worker_died_is_launched_again(
    tmp_path: Path, finished: list[Record], times: int, asked: list[list[int]]
) -> None:
    launch = Launcher(tmp_path, deadly=[1], times=times)
    assert elsewhere.run_elsewhere(manifest(cell(0, "a"), cell(1, "b"), cell(2, "c")), tmp_path, launch) == 1
    assert launch.asked == asked
    assert [record.outcome for record in finished] == [FAILED] * 3


def test_a_cell_that_kills_every_worker_costs_itself_only_and_can_be_resumed(
    tmp_path: Path, finished: list[Record]
) -> None:
    launch = Launcher(tmp_path, deadly=[1], times=9)
    elsewhere.run_elsewhere(manifest(cell(0, "a"), cell(1, "b"), cell(2, "c")), tmp_path, launch)
    assert launch.asked == [[0, 1, 2], [1], [1]]
    assert [record.outcome.status for record in finished] == ["failed", "crashed", "failed"]
    assert "lost, 3 times (RuntimeError: a worker process was terminated)" in str(finished[1].outcome.message)
    assert (tmp_path / "sweeps" / "sweep" / "unfinished").exists()


@pytest.mark.parametrize(
    ("first", "asked"),
    [
        (Outcome(status="cancelled", reason="interrupted"), [[0], [0]]),
        (Outcome(status="crashed", reason="sigkill"), [[0]]),
    ],
)
@pytest.mark.usefixtures("finished")
def test_a_cell_that_was_cut_off_is_launched_again_and_one_whose_child_was_killed_is_not(
    tmp_path: Path, first: Outcome, asked: list[list[int]]
) -> None:
    launch = Launcher(tmp_path, deadly=[], times=0, first=first)
    elsewhere.run_elsewhere(manifest(cell(0, "a")), tmp_path, launch)
    assert launch.asked == asked

"""A sweep whose cells a foreign launcher runs: frozen once, each cell in a worker, finished once by the parent.

A worker that dies, or a launcher that gives up because of it, costs no other cell: the parent reads the records,
has the cells that are missing launched again, and gives those whose worker is lost every time a record that says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.commands.prepare import prepared
from harness.commands.run import check_home, finish, new_sweep
from harness.commands.screen import Screen, screen
from harness.commands.stopping import measured, stopping
from harness.config import invocation
from harness.errors import HarnessError
from harness.records.io import read_record, record_folder
from harness.records.schema import Outcome, Record
from harness.sweep.folder import LOCK_FILE, MANIFEST_FILE, begin_sweep, end_sweep, finished_sweep, sweep_folder
from harness.sweep.locks import LockedError, locked_now
from harness.sweep.manifest import Cell, Manifest, write_manifest
from harness.sweep.outcome import SIGKILLED
from harness.sweep.progress import Progress
from harness.sweep.restore import finished_cell

LAUNCHES = 3
"""How often cells are launched whose worker is lost."""

_POLL_S = 0.5
_STOPPING_S = 30.0

Launch = Callable[[Path, Sequence[int]], None]
"""Runs the cells of a manifest with these indices and waits for them; may raise anything when a worker dies."""


def run_elsewhere(manifest: Manifest, home: Path, launch: Launch) -> int:
    """Have all cells run, print and log their table, publish their records; returns the process's exit status.

    Raises:
        ConfigError: something is wrong that can be known beforehand; nothing was started.
        HarnessError: the manifest, which the workers need, or a record cannot be written.
    """
    console = screen()
    with stopping() as stop:
        check_home(home)
        manifest = prepared(manifest, console)
        invocation.current().started = True
        folder = sweep_folder(home, manifest.sweep_id)
        begin_sweep(folder)
        try:
            write_manifest(manifest, folder / MANIFEST_FILE)
        except OSError as error:
            raise HarnessError(f"{folder}: the manifest cannot be written ({error}); the workers need it") from error
        cells = f"{len(manifest.cells)} cell{'s' * (len(manifest.cells) != 1)}"
        for line in (f"home   {home}", f"sweep  {manifest.sweep_id}: {cells}, each in a worker"):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        with locked_now(folder / LOCK_FILE, shared=True):
            lost = _launched(manifest, home, folder, launch, console)
            measured()
            records = _records(manifest, home, lost, console)
            status = finish(manifest, records, home, console, log=Progress(console, log=folder / "sweep.log").append)
        if finished_sweep(manifest, records):
            end_sweep(folder)
        return stop.status(status)


def _launched(manifest: Manifest, home: Path, folder: Path, launch: Launch, console: Screen) -> Outcome:
    """Launch what is missing until nothing is or it is lost again and again; the outcome of what is missing then."""
    lost = Outcome(status="crashed", reason=SIGKILLED, message="its worker process was lost")
    try:
        for number in range(1, LAUNCHES + 1):
            indices = [cell.index for cell in manifest.cells if _missing(manifest, home, cell)]
            if not indices:
                break
            try:
                launch(folder / MANIFEST_FILE, indices)
            except Exception as error:
                words = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                message = f"its worker process was lost, {number} times ({words})"
                lost = replace(lost, message=message, hint=f"python -m harness.resume {manifest.sweep_id}")
                console.print(f"a worker was lost ({words})", style="yellow", highlight=False, markup=False)
            _await_cells(folder, indices)
    except KeyboardInterrupt:
        _await_cells(folder, range(len(manifest.cells)), _STOPPING_S)
        return Outcome(status="cancelled", reason="interrupted", message="stopped by the user before it was finished")
    return lost


def _await_cells(folder: Path, indices: Sequence[int], seconds: float = float("inf")) -> None:
    """Wait until no process runs one of these cells any more: a launcher may give up while others are at work."""
    end = time.monotonic() + seconds
    for index in indices:
        while time.monotonic() < end:
            try:
                with locked_now(folder / f"cell-{index}.lock"):
                    break
            except LockedError:
                time.sleep(_POLL_S)


def _read(manifest: Manifest, home: Path, cell: Cell) -> Record | None:
    try:
        return read_record(record_folder(home, manifest.sweep_id, cell.name))
    except HarnessError:
        return None


def _missing(manifest: Manifest, home: Path, cell: Cell) -> bool:
    """Whether a cell has to be run still; one whose child was killed has its outcome."""
    record = _read(manifest, home, cell)
    return record is None or not (finished_cell(cell, record) or record.outcome.status == "crashed")


def _records(manifest: Manifest, home: Path, lost: Outcome, console: Screen) -> list[Record]:
    """All records; where one is not complete, what there is with the outcome ``lost``, written now."""
    left = [cell.index for cell in manifest.cells if _missing(manifest, home, cell)]
    if left:
        cells = tuple(replace(each, decided=lost) if each.index in left else each for each in manifest.cells)
        new_sweep(replace(manifest, cells=cells), home, console, only=left, resume=True).run()
    return [read_record(record_folder(home, manifest.sweep_id, cell.name)) for cell in manifest.cells]

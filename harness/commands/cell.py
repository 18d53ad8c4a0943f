"""One cell of a sweep by itself, as a foreign launcher (joblib, submitit, Ray) runs it: manifest and index to status.

All repeats of a cell follow one another here instead of interleaving with the other cells', and its record says so.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness.commands.run import PIPE_COLUMNS, check_home, new_sweep
from harness.commands.stopping import stopping
from harness.errors import ConfigError
from harness.sweep.folder import LOCK_FILE
from harness.sweep.locks import locked_now
from harness.sweep.manifest import read_manifest
from harness.sweep.policy import exit_status


def run_cell(manifest_path: Path, index: int, home: Path) -> int:
    """Run what is missing of one cell, write its record, and return the exit status that its outcome asks for.

    Several processes may run different cells of one sweep at once: each measurement waits for its device. A cell that
    has a finished record is left as it is. Nothing is printed but progress, and nothing is published.

    Raises:
        LockedError: another process runs this cell, or the whole sweep.
        HarnessError: the manifest cannot be read, or the home cannot be written to.
        ConfigError: it has no such cell.
    """
    manifest = read_manifest(manifest_path)
    if not 0 <= index < len(manifest.cells):
        raise ConfigError(f"{manifest_path}: cell {index} is asked for; it has {len(manifest.cells)}, counted from 0")
    check_home(home)
    folder = home / "sweeps" / manifest.sweep_id
    console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    with (
        stopping() as stop,
        locked_now(folder / LOCK_FILE, shared=True),
        locked_now(folder / f"cell-{index}.lock"),
    ):
        alone = replace(manifest, interleaved=False)
        (record,) = new_sweep(alone, home, console, only=(index,), resume=True).run()
        return stop.status(exit_status([manifest.cells[index]], [record]))

"""One cell of a sweep by itself, as a foreign launcher (joblib, submitit, Ray) runs it: manifest and index to status.

All repeats of a cell follow one another here instead of interleaving with the other cells', and its record says so.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.commands.run import check_home, new_sweep
from harness.commands.screen import screen
from harness.commands.stopping import stopping
from harness.config.freeze import absent, needs_device
from harness.devices import present
from harness.errors import ConfigError
from harness.sweep.folder import LOCK_FILE
from harness.sweep.free import free_device
from harness.sweep.locks import locked_now
from harness.sweep.manifest import Cell, read_manifest
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
    console = screen()
    with (
        stopping() as stop,
        locked_now(folder / LOCK_FILE, shared=True),
        locked_now(folder / f"cell-{index}.lock"),
    ):
        cell = here(manifest.cells[index])
        with free_device(
            cell.settings,
            lambda line: console.print(f"{cell.name}  {line}", highlight=False, markup=False, soft_wrap=True),
        ) as device_id:
            if device_id is not None:
                cell = replace(cell, settings=replace(cell.settings, device=(device_id,)))
            cells = (*manifest.cells[:index], cell, *manifest.cells[index + 1 :])
            alone = replace(manifest, cells=cells, interleaved=False)
            (record,) = new_sweep(alone, home, console, only=(index,), resume=True).run()
        return stop.status(exit_status([cell], [record]))


def here(cell: Cell) -> Cell:
    """The cell, decided where its device is not on this machine: the parent may have frozen it on another one."""
    if cell.decided is not None or not needs_device(cell.settings):
        return cell
    return replace(cell, decided=absent(cell.settings, present))

"""Run a manifest from start to end: the sweep, its table, its publication, its exit status."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.commands.deliver import delivered
from harness.commands.prepare import prepared
from harness.commands.publishing import Meanwhile, publish_records
from harness.commands.screen import Screen, screen
from harness.commands.stopping import measured, publishing, stopping
from harness.config import invocation
from harness.config.schema import Settings
from harness.errors import ConfigError, HarnessError
from harness.files import there, write_atomically
from harness.records.io import record_folder
from harness.records.schema import Record
from harness.report.accuracy import accuracy_table
from harness.report.cells import cells_table
from harness.report.method import method_markdown
from harness.sweep.folder import LOCK_FILE, MANIFEST_FILE, begin_sweep, end_sweep, finished_sweep, sweep_folder
from harness.sweep.locks import locked_now
from harness.sweep.manifest import Manifest, write_manifest
from harness.sweep.policy import exit_status
from harness.sweep.progress import Progress
from harness.sweep.run import Sweep


def run_manifest(manifest: Manifest, home: Path) -> int:
    """Run all cells, print and log their table, publish their records; returns the process's exit status.

    Raises:
        ConfigError: something is wrong that can be known beforehand; nothing was started.
    """
    with stopping() as stop:
        return stop.status(_run(manifest, home))


def _run(manifest: Manifest, home: Path) -> int:
    console = screen()
    check_home(home)
    if any(cell.settings.plan for cell in manifest.cells):
        from harness.commands.plan import plan_lines

        for line in plan_lines(prepared(manifest, console, plan=True), home):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return 0
    return begin(prepared(manifest, console), home, console)


def begin(manifest: Manifest, home: Path, console: Screen, **how: Any) -> int:
    """Write the manifest of a sweep that is prepared and run its cells; ``how`` are further fields of the `Sweep`."""
    invocation.current().started = True  # from here on a wrong setting is a cell's outcome, not a refusal
    folder = sweep_folder(home, manifest.sweep_id)
    problems = []
    begin_sweep(folder)
    with ExitStack() as stack:
        try:
            write_manifest(manifest, folder / MANIFEST_FILE)
            stack.enter_context(locked_now(folder / LOCK_FILE))
        except (HarnessError, OSError) as error:
            problems.append(f"this sweep cannot be resumed, its manifest or its lock cannot be written: {error}")
        return carry_out(manifest, home, console, problems, **how)


def carry_out(
    manifest: Manifest,
    home: Path,
    console: Screen,
    problems: Sequence[str] = (),
    **how: Any,
) -> int:
    """Run all cells of a manifest and finish the sweep; returns the exit status. The caller holds the sweep's lock.

    ``how`` are further fields of the `Sweep`: ``resume``, ``retry``, ``before_measuring``.
    """
    console.print(f"home   {home}", highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"sweep  {manifest.sweep_id}: {len(manifest.cells)} cell{'s' * (len(manifest.cells) != 1)}",
        highlight=False,
        markup=False,
    )
    folder = sweep_folder(home, manifest.sweep_id)
    begin_sweep(folder)
    sweep = new_sweep(manifest, home, console, **how)
    sweep.after_round = Meanwhile(manifest, home, sweep.progress.note)
    sweep.at_end = measured
    records = sweep.run()
    problems = [*problems, *(f"record of {name} could not be written: {why}" for name, why in sweep.unwritten.items())]
    status = finish(manifest, records, home, console, problems, log=sweep.progress.append)
    if finished_sweep(manifest, records):
        end_sweep(folder)
    return status


def new_sweep(manifest: Manifest, home: Path, console: Screen, **how: Any) -> Sweep:
    """A sweep that logs to its folder and knows this machine; ``how`` are further fields of it."""
    from harness.records.provenance import environment, package_list

    log = sweep_folder(home, manifest.sweep_id) / "sweep.log"
    return Sweep(
        manifest,
        home,
        Progress(console, log=log, history=home / "sweeps" / "history.json"),
        device=device_of,
        environment=environment(),
        packages=package_list(),
        **how,
    )


def finish(
    manifest: Manifest,
    records: Sequence[Record],
    home: Path,
    console: Screen,
    problems: Sequence[str] = (),
    *,
    log: Callable[[str], None],
) -> int:
    """Print and keep the table of a sweep, draw and publish it; returns the exit status.

    ``records`` are in the order of the manifest's cells; ``log`` gets the table; ``problems`` are printed at the end.
    """
    folder, problems = sweep_folder(home, manifest.sweep_id), list(problems)
    tables = [table for table in (cells_table(records), accuracy_table(records)) if table]
    for each in tables:
        console.print(each)
        console.print()
    table = "\n".join(filter(None, [*(each.markdown() for each in tables), method_markdown(records)]))
    log(table)
    try:
        write_atomically(folder / "table.md", table.encode())
    except OSError as error:
        problems.append(f"table.md could not be written: {error}")
    try:
        for line in delivered(manifest, records, home):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    except OSError as error:
        problems.append(f"the files are in the store only: {error}")
    problems += _draw(records, folder, home)
    publishing()
    problems += publish_records(manifest, home, records)
    for problem in problems:
        console.print(f"warning: {problem}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    if not finished_sweep(manifest, records):
        console.print(
            f"go on: python -m harness.resume {manifest.sweep_id}", highlight=False, markup=False, soft_wrap=True
        )
    return exit_status(manifest.cells, records)


def check_home(home: Path) -> None:
    """Refuse a home that nothing can be written to; makes nothing. A full disk is not refused: it costs only cells."""
    place = there(home)
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise ConfigError(f"{home}: results cannot be written there; go to another folder or set HARNESS_HOME=DIR")


def _draw(records: Sequence[Record], folder: Path, home: Path) -> list[str]:
    """Write the charts beside the table, which is on the screen by now; a chart that fails is a warning."""
    try:
        from harness.report.plot_telemetry import telemetry_plot
        from harness.report.plots import sweep_plots

        for name, content in sweep_plots(records).items():
            write_atomically(folder / name, content)
        for record in records:
            place = record_folder(home, record.sweep_id, record.name)
            curve = telemetry_plot(record, place)
            if curve is not None:
                write_atomically(place / "plots" / "telemetry.png", curve)
    except Exception as error:
        words = " ".join(str(error).split())
        return [f"the charts could not be drawn: {type(error).__name__}: {words}; the table has their figures"]
    return []


def device_of(settings: Settings) -> Mapping[str, Any]:
    """The identity of a cell's device; empty for one that this machine lacks (a skipped cell) or that cannot answer."""
    from harness.devices import describe, present
    from harness.simulator.environment import environment

    known = environment(settings.simulator)
    name = settings.soc_version.name
    try:
        device_id = settings.device[0] if settings.device else None
        return describe(name, known, device_id) if present(name, known) else {}
    except HarnessError:
        return {}

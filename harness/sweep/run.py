"""The rounds: prepare every cell, then measure each once a round in rotated order, one child process a step.

Whatever a child does, the other cells go on; whatever was measured is in its record before the next step starts.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.config.schema import Settings
from harness.errors import HarnessError
from harness.files import write_atomically
from harness.records.io import ENVIRONMENT_FILE, record_folder, write_environment, write_record
from harness.records.schema import Outcome, Record, Step
from harness.simulator.environment import environment
from harness.stages.pipeline import Pipeline, finished
from harness.stages.request import REQUEST, Request, Result, progress_file
from harness.stages.store import Store
from harness.sweep import target
from harness.sweep.cell import CellRun, build_record, is_record_file, now
from harness.sweep.estimate import planned
from harness.sweep.guard import memory_limit
from harness.sweep.manifest import Manifest
from harness.sweep.outcome import decide
from harness.sweep.process import ChildCancelled, ChildExit, run_child
from harness.sweep.progress import Progress

_CANCELLED = Outcome(status="cancelled", reason="interrupted", message="stopped by the user before it was finished")


@dataclass
class Sweep:
    """One sweep on this machine. ``device`` describes what a cell's device is here; ``environment`` is asked once."""

    manifest: Manifest
    home: Path
    progress: Progress
    device: Callable[[Settings], Mapping[str, Any]]
    environment: Mapping[str, Any]
    packages: Sequence[str]
    unwritten: dict[str, str] = field(default_factory=dict)
    """Cells whose record could not be written, with the reason."""
    coolest_c: dict[str, float] = field(default_factory=dict)
    """The lowest temperature of each soc_version before a repeat so far: the device at rest."""

    def run(self) -> list[Record]:
        """Run all cells and return their records in the manifest's order, also after Ctrl-C."""
        store = Store(self.home / "store")
        runs = [self._begin(index, store) for index in range(len(self.manifest.cells))]
        self.progress.start(len(runs), self.manifest.rounds, planned(self.manifest))
        try:
            for run in runs:
                if run.active:
                    self._prepare(run)
                self._save(run)
            for number in range(1, self.manifest.rounds + 1):
                for run in rotated(runs, number - 1):
                    if run.active and number <= run.cell.settings.repeats:
                        self._measure(run, number)
                        self._save(run)
            self._narrow(runs)
            for run in runs:
                if run.active and run.cell.settings.evaluates:
                    self._prepare(run, evaluating=True)
                    self._save(run)
        except KeyboardInterrupt:
            for run in runs:
                if run.active and not run.complete:
                    run.outcome = _CANCELLED
        finally:
            self.progress.finish()
        return [self._save(run) for run in runs]

    def _begin(self, index: int, store: Store) -> CellRun:
        cell = self.manifest.cells[index]
        folder = record_folder(self.home, self.manifest.sweep_id, cell.name)
        return CellRun(cell, folder, Pipeline(cell.settings, store, folder), outcome=cell.decided)

    def _prepare(self, run: CellRun, *, evaluating: bool = False) -> None:
        """Run what is missing before the cell can be measured; with ``evaluating`` what its accuracy needs as well."""
        known = len(run.pipeline.steps)
        while run.active:
            try:
                request = run.pipeline.advance(evaluating=evaluating)
            except (HarnessError, OSError) as error:
                run.outcome = Outcome(status="failed", reason="refused", message=" ".join(str(error).split()))
                self.progress.cell_ended(run.cell.name, run.outcome)
                return
            cached = [step for step in list(run.pipeline.steps.values())[known:] if step.cached]
            for step in cached:
                self._take(run, step)
            if cached:
                self.progress.cell_cached(run.cell.name, [step.stage for step in cached])
            if request is None:
                run.prepared, run.evaluated = True, evaluating
                return
            step = self._step(run, request)
            run.pipeline.accept(request, step)
            self._take(run, step)
            known = len(run.pipeline.steps)

    def _take(self, run: CellRun, step: Step) -> None:
        """Add a finished step to the cell, and the files that it made for the record to the record's folder."""
        run.take(step)
        for name, artifact in step.artifacts.items():
            if is_record_file(name):
                target = run.folder / name
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(run.pipeline.store.path(artifact), target)
                except OSError as error:
                    self.progress.note(f"{run.cell.name}  {name} could not be written: {error}")

    def _measure(self, run: CellRun, number: int) -> None:
        if damaged := run.pipeline.take_back_damaged():
            self.progress.note(f"{run.cell.name}  damaged in the store, made again: {', '.join(damaged)}")
            self._prepare(run)
        if run.active:
            soc = run.cell.settings.soc_version.name
            request = replace(run.pipeline.measure(number), base_temperature_c=self.coolest_c.get(soc))
            step = self._step(run, request)
            seen_c = step.info.get("temperature_c")
            if seen_c is not None:
                self.coolest_c[soc] = min(seen_c, self.coolest_c.get(soc, seen_c))
            run.take(step)

    def _narrow(self, runs: Sequence[CellRun]) -> None:
        """Add rounds of the cells that have a target for their interval, until all are there or out of budget."""
        asking = [run for run in runs if run.cell.settings.measure.target_halfwidth and run.cell.settings.repeats]
        began, number = time.monotonic(), self.manifest.rounds
        while waiting := [run for run in asking if run.active and self._wanted(run, time.monotonic() - began)]:
            number += 1
            for run in rotated(waiting, number - 1):
                self._measure(run, number)
                self._save(run)
        for run in asking:
            profile = run.cell.settings.measure
            if run.repeats and profile.target_halfwidth:
                run.said = (target.told(run.repeats, profile.target_halfwidth, profile.target_budget_s),)
                self.progress.note(f"{run.cell.name}  {run.said[0]}")

    def _wanted(self, run: CellRun, spent_s: float) -> int:
        """How many more rounds a cell wants; none when its budget is spent."""
        profile = run.cell.settings.measure
        return target.wanted(run.repeats, profile.target_halfwidth) if spent_s < profile.target_budget_s else 0

    def _step(self, run: CellRun, request: Request) -> Step:
        """Run one request in a child process; every way to end becomes a step with an outcome."""
        settings = request.settings
        label = request.stage if request.round is None else f"{request.stage}-{request.round:02d}"
        rounds = max(settings.measure.rounds, request.round) if request.round else None
        told = progress_file(run.folder, request.stage)
        with suppress(OSError):
            told.unlink(missing_ok=True)
        self.progress.step_started(run.cell.name, request.stage, request.round, rounds, told=told)
        started = now()
        log = f"logs/{label}.log"
        exit_: ChildExit | None = None
        interrupt: KeyboardInterrupt | None = None
        try:
            files = run.folder / "steps"
            request_file, result_file = files / f"{label}.request.json", files / f"{label}.result.json"
            write_atomically(request_file, REQUEST.dump_json(request))
            result_file.unlink(missing_ok=True)
            limit = memory_limit(settings.limits.memory_gb)
            try:
                exit_ = run_child(
                    [
                        sys.executable,
                        "-m",
                        "harness.sweep.child",
                        str(request_file),
                        str(result_file),
                        str(os.getpid()),
                    ],
                    log=run.folder / log,
                    timeout_s=getattr(settings.limits, f"{request.stage}_s"),
                    env=environment(settings.simulator, child_environment(), salt=f"{run.cell.name}/{label}"),
                    memory_limit_bytes=limit,
                )
            except ChildCancelled as stopped:
                exit_, interrupt = stopped.child, stopped
            result = decide(exit_, result_file, run.folder / log, request.stage)
        except (HarnessError, OSError) as error:
            result = Result(outcome=write_failure(error, request.stage))
        step = finished(
            request,
            result,
            started=started,
            wall_s=exit_.wall_s if exit_ else 0.0,
            peak_memory_bytes=result.peak_memory_bytes,
            exit_status=exit_.exit_status if exit_ else None,
            log=log,
        )
        self.progress.step_finished(step.outcome, step.wall_s)
        if interrupt is not None:
            run.take(step)
            raise interrupt
        return step

    def _save(self, run: CellRun) -> Record:
        """Write the record as it stands; a record that cannot be written is reported, never lost silently."""
        record = build_record(run, self.manifest, device=self.device(run.cell.settings), environment=self.environment)
        try:
            if not (run.folder / ENVIRONMENT_FILE).exists():
                write_environment({**self.environment, "package_list": self.packages}, run.folder)
            write_record(record, run.folder)
            self.unwritten.pop(run.cell.name, None)
        except (HarnessError, OSError) as error:
            self.unwritten[run.cell.name] = str(error)
        return record


def rotated(runs: Sequence[CellRun], by: int) -> list[CellRun]:
    """The cells in the order of a round: each round starts one further, so that drift hits all alike."""
    if not runs:
        return []
    by %= len(runs)
    return [*runs[by:], *runs[:by]]


def child_environment() -> dict[str, str]:
    """The parent's environment with this very package importable, wherever the child's working folder is."""
    package_parent = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([package_parent, *([inherited] if inherited else [])])}


def write_failure(error: Exception, stage: str) -> Outcome:
    """The outcome of a step whose own files could not be written."""
    full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    return Outcome(
        status="failed",
        stage=stage,
        reason="disk_full" if full or "No space left" in str(error) else "not_writable",
        message=" ".join(str(error).split()),
        hint="free space, or put HARNESS_HOME on a larger disk, and run the sweep again" if full else None,
    )

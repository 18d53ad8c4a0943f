"""The rounds: prepare every cell, then measure each once a round in rotated order, one child process a step.

Whatever a child does, the other cells go on; whatever was measured is in its record before the next step starts. A
sweep that was killed goes on from its records, whichever process it is that does.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.config.schema import Settings
from harness.errors import HarnessError
from harness.records.io import ENVIRONMENT_FILE, read_record, record_folder, write_environment, write_record
from harness.records.schema import Outcome, Record, Step
from harness.stages.execute import INPUT_GONE
from harness.stages.pipeline import Pipeline
from harness.stages.request import Request
from harness.stages.store import Store
from harness.sweep import target
from harness.sweep.cell import CellRun, build_record, is_record_file
from harness.sweep.changed import changed_file, changed_model
from harness.sweep.estimate import planned
from harness.sweep.heap import loading
from harness.sweep.largest import at_batch, search
from harness.sweep.manifest import Manifest
from harness.sweep.policy import INTERRUPTED, STOPPED, StoppedError, failures_allowed, tolerated
from harness.sweep.progress import Progress
from harness.sweep.restore import remove_partial, restore
from harness.sweep.step import run_step

_CANCELLED = Outcome(status="cancelled", reason=INTERRUPTED, message="stopped by the user before it was finished")
VANISHED_AT_MOST = 3
"""How often a cell's files are made again that vanish just before they are needed: somebody may go on removing them."""


@dataclass
class Sweep:
    """One sweep on this machine. ``device`` describes what a cell's device is here; ``environment`` is asked once.

    ``only``: the cells that this process runs, None for all. ``resume``: go on from the records that there are;
    ``retry``: and repeat the cells that did not end ok.
    """

    manifest: Manifest
    home: Path
    progress: Progress
    device: Callable[[Settings], Mapping[str, Any]]
    environment: Mapping[str, Any]
    packages: Sequence[str]
    only: Sequence[int] | None = None
    resume: bool = False
    retry: bool = False
    unwritten: dict[str, str] = field(default_factory=dict)
    """Cells whose record could not be written, with the reason."""
    failed: set[str] = field(default_factory=set)
    """Cells that failed in this process."""
    after_round: Callable[[], None] = field(default=lambda: None)
    """Called where nothing is measured for a moment: after each round but the last, and before each evaluation."""
    before_measuring: Callable[[Sequence[CellRun]], None] = field(default=lambda _: None)
    """Called once, when every cell is prepared and before the first one is measured."""
    at_end: Callable[[], None] = field(default=lambda: None)
    """Called once nothing is left to run; from here on only records are written."""
    coolest_c: dict[str, float] = field(default_factory=dict)
    """The lowest temperature of each soc_version before a repeat so far: the device at rest."""

    def run(self) -> list[Record]:
        """Run all cells and return their records in the manifest's order, also after Ctrl-C."""
        store = Store(self.home / "store")
        indices = range(len(self.manifest.cells)) if self.only is None else self.only
        with loading():
            runs = [self._begin(index, store) for index in indices]
            due = [run.cell for run in runs if not run.kept]
            self.progress.start(len(runs), self.manifest.rounds, planned(self.manifest, due))
        if kept := len(runs) - len(due):
            self.progress.note(f"{kept} of {len(runs)} cells are finished already and stay as they are")
        try:
            self._conduct(runs)
            self.at_end()
        except KeyboardInterrupt:
            self._cancel(runs, _CANCELLED)
        except StoppedError as error:
            self.progress.note(f"stopped: {error}")
            self._cancel(runs, Outcome(status="cancelled", reason=STOPPED, message=str(error)))
        finally:
            self.progress.finish()
        return [self._save(run) for run in runs]

    def _cancel(self, runs: Sequence[CellRun], outcome: Outcome) -> None:
        for run in runs:
            if run.active and not run.complete:
                run.outcome = outcome

    def _conduct(self, runs: Sequence[CellRun]) -> None:
        """Everything that is to be done with the cells, in order.

        Raises:
            KeyboardInterrupt: the user stopped it.
            StoppedError: a cell failed, and ``on_failure`` stops the sweep.
        """
        for run in runs:
            if run.active and not run.repeats:  # one with a round was prepared before: that is looked up when it is due
                self._prepare(run)
            if not run.kept and (run.before is None or not run.active):
                self._after(run)
        self.before_measuring(runs)
        for number in range(1, self.manifest.rounds + 1):
            for run in rotated(runs, number - 1):
                if run.active and number <= run.cell.settings.repeats and number not in run.rounds:
                    self._measure(run, number)
                    self._after(run)
            if number < self.manifest.rounds:
                self.after_round()
        self._narrow(runs)
        for run in runs:
            if run.active and run.cell.settings.evaluates:
                self.after_round()
                self._prepare(run, evaluating=True)
                self._after(run)
        for run in runs:
            self._search(run)

    def _begin(self, index: int, store: Store) -> CellRun:
        cell = self.manifest.cells[index]
        folder = record_folder(self.home, self.manifest.sweep_id, cell.name)
        run = CellRun(cell, folder, Pipeline(cell.settings, store, folder), outcome=cell.decided)
        if self.resume:
            restore(run, retry=self.retry)
        return run

    def _prepare(self, run: CellRun, *, evaluating: bool = False) -> None:
        """Run what is missing before the cell can be measured; with ``evaluating`` what its accuracy needs as well."""
        if self.resume and not run.prepared:
            remove_partial(run)
        known = len(run.pipeline.steps)
        self._refuse(run, changed_file(run) if run.active and not run.prepared else None)
        while run.active:
            try:
                request = run.pipeline.advance(evaluating=evaluating)
            except (HarnessError, OSError) as error:
                self._refuse(run, Outcome(status="failed", reason="refused", message=" ".join(str(error).split())))
                return
            cached = [step for step in list(run.pipeline.steps.values())[known:] if step.cached]
            for step in cached:
                self._take(run, step)
            if cached:
                self.progress.cell_cached(run.cell.name, [step.stage for step in cached])
            if request is None:
                if changed := changed_model(run):
                    self._refuse(run, changed)
                    return
                run.prepared, run.evaluated = True, evaluating
                return
            ran = self._step(run, request)
            if ran is not None:
                run.pipeline.accept(request, ran)
                self._take(run, ran)
            known = len(run.pipeline.steps)

    def _refuse(self, run: CellRun, outcome: Outcome | None) -> None:
        """Let a cell end so, where there is an outcome, without a process of its own."""
        if outcome is not None:
            run.outcome = outcome
            self.progress.cell_ended(run.cell.name, outcome)

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
        step = None
        while run.active and step is None:
            self._take_back(run)
            if not run.prepared:
                self._prepare(run)
            if run.active:
                soc = run.cell.settings.soc_version.name
                request = replace(run.pipeline.measure(number), base_temperature_c=self.coolest_c.get(soc))
                step = self._step(run, request)
        if step is not None:
            seen_c = step.info.get("temperature_c")
            if seen_c is not None:
                self.coolest_c[soc] = min(seen_c, self.coolest_c.get(soc, seen_c))
            run.take(step)

    def _step(self, run: CellRun, request: Request) -> Step | None:
        """Run a request; None where a file that it needs vanished before it began, and is to be made again first."""
        step = run_step(run, request, self.progress)
        gone = step.outcome.reason == INPUT_GONE and run.vanished < VANISHED_AT_MOST and self._take_back(run)
        run.vanished += bool(gone)
        return None if gone else step

    def _take_back(self, run: CellRun) -> bool:
        """Have what is damaged or gone from the store made again; whether there is any."""
        if damaged := run.pipeline.take_back_damaged():
            self.progress.note(f"{run.cell.name}  damaged in the store or gone, made again: {', '.join(damaged)}")
            run.prepared = False
        return bool(damaged)

    def _narrow(self, runs: Sequence[CellRun]) -> None:
        """Add rounds of the cells that have a target for their interval, until all are there or out of budget."""
        asking = [run for run in runs if run.cell.settings.measure.target_halfwidth and run.cell.settings.repeats]
        began, number = time.monotonic(), self.manifest.rounds
        while waiting := [run for run in asking if run.active and self._wanted(run, time.monotonic() - began)]:
            number += 1
            for run in rotated(waiting, number - 1):
                if number not in run.rounds:
                    self._measure(run, number)
                    self._after(run)
        for run in asking:
            profile = run.cell.settings.measure
            if run.repeats and profile.target_halfwidth and not run.kept:
                run.said = (*run.said, target.told(run.repeats, profile.target_halfwidth, profile.target_budget_s))
                self.progress.note(f"{run.cell.name}  {run.said[-1]}")

    def _wanted(self, run: CellRun, spent_s: float) -> int:
        """How many more rounds a cell wants; none when its budget is spent."""
        profile = run.cell.settings.measure
        return target.wanted(run.repeats, profile.target_halfwidth) if spent_s < profile.target_budget_s else 0

    def _search(self, run: CellRun) -> None:
        """Look for the largest batch that the cell's model runs at, where that is asked for and not known yet."""
        settings = run.cell.settings
        outcome = run.outcome or Outcome(status="ok")
        if run.kept or not settings.searches or run.max_batch or outcome.status not in {"ok", "oom"}:
            return

        def attempt(batchsize: int) -> Outcome:
            cell = replace(run.cell, name=f"{run.cell.name}/max-bs{batchsize}", settings=at_batch(settings, batchsize))
            folder = run.folder / "tries" / f"bs{batchsize}"
            trial = CellRun(cell, folder, Pipeline(cell.settings, run.pipeline.store, folder))
            self._prepare(trial)
            if trial.active:
                self._measure(trial, 1)
            return trial.outcome or Outcome(status="ok")

        run.max_batch = search(settings.batchsize, outcome, settings.max_batch_cap, attempt)
        largest = run.max_batch.batchsize
        more = "the cap" if run.max_batch.limit == "cap" else run.max_batch.limit
        words = f"the largest batch that runs is {largest}; beyond it: {more}" if largest else f"no batch runs: {more}"
        self.progress.note(f"{run.cell.name}  {words}")
        self._save(run)

    def _after(self, run: CellRun) -> None:
        """Keep what came of a step, and see whether the sweep goes on.

        Raises:
            StoppedError: as many cells have failed as ``on_failure`` allows.
        """
        self._save(run)
        settings = run.cell.settings
        if run.outcome is None or run.cell.decided or tolerated(settings, run.outcome):
            return
        self.failed.add(run.cell.name)
        if len(self.failed) > failures_allowed(settings):
            what = f"{run.cell.name} {run.outcome.status}"
            raise StoppedError(f"on_failure={settings.on_failure}: {what}; python -m harness.resume goes on")

    def _save(self, run: CellRun) -> Record:
        """Write the record as it stands; a record that cannot be written is reported, never lost silently."""
        if run.kept:
            return self._finished(run)
        record = build_record(run, self.manifest, device=self.device(run.cell.settings), environment=self.environment)
        if run.saved is not None and replace(record, finished=run.saved.finished) == run.saved:
            return run.saved
        try:
            if not (run.folder / ENVIRONMENT_FILE).exists():
                write_environment({**self.environment, "package_list": self.packages}, run.folder)
            write_record(record, run.folder)
            run.saved = record
            self.unwritten.pop(run.cell.name, None)
        except (HarnessError, OSError) as error:
            self.unwritten[run.cell.name] = str(error)
        return record

    def _finished(self, run: CellRun) -> Record:
        """The record of a cell that was finished before; one that cannot be read after all is left as it lies."""
        try:
            return read_record(run.folder)
        except HarnessError as error:
            self.unwritten[run.cell.name] = str(error)
            run.outcome = Outcome(status="failed", reason="unreadable_record", message=" ".join(str(error).split()))
            return build_record(run, self.manifest, device={}, environment=self.environment)


def rotated(runs: Sequence[CellRun], by: int) -> list[CellRun]:
    """The cells in the order of a round: each round starts one further, so that drift hits all alike."""
    if not runs:
        return []
    by %= len(runs)
    return [*runs[by:], *runs[:by]]

"""Takes a cell through its stages in this process: what a sweep does, without child processes."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.commands.prepare import prepared
from harness.config.compose import compose_settings
from harness.config.freeze import freeze
from harness.config.schema import Settings
from harness.records.schema import Artifact, Outcome
from harness.stages.execute import execute
from harness.stages.pipeline import Pipeline, finished
from harness.stages.store import Store
from harness.sweep.child import _outcome
from harness.sweep.manifest import Cell

QUICK = ("measure=smoke", "measure.rounds=1", "measure.min_time_s=0", "measure.min_iterations=2", "measure.warmup_s=0")


@dataclass
class Composed:
    settings: Settings
    device_found: bool = True
    choices: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass
class Driven:
    """What became of a cell: its outcome, the settings that were frozen, and what each stage found out."""

    cell: Cell
    outcome: Outcome
    info: dict[str, Any]
    artifacts: dict[str, Artifact]
    store: Store

    @property
    def settings(self) -> Settings:
        return self.cell.settings

    def file(self, name: str) -> Path:
        return self.store.path(self.artifacts[name])


def settle(*batches: tuple[str, ...], config_dirs: tuple[Path, ...] = ()) -> list[Cell]:
    """The cells of a sweep as they stand once everything about them is settled, before any of them runs."""
    words = [(*QUICK, "tracking=none", *batch) for batch in batches]
    composed = [Composed(compose_settings(*each, config_dirs=config_dirs)) for each in words]
    manifest = freeze(composed, words, command=("test",), present=lambda _: True)
    return list(prepared(manifest, Console(file=io.StringIO())).cells)


def drive(cell: Cell, root: Path) -> Driven:
    """Run the cell's stages, the measuring one once."""
    store = Store(root / "store")
    pipeline = Pipeline(cell.settings, store, root / "record")
    outcome = cell.decided or Outcome(status="ok")
    info: dict[str, Any] = {}
    waiting = [] if cell.decided else [pipeline.advance]
    if waiting and cell.settings.repeats:
        waiting.append(lambda: pipeline.measure(1))
    while waiting and outcome.status == "ok":
        request = waiting[0]()
        if request is None:
            waiting.pop(0)
            continue
        try:
            result = execute(request)
        except Exception as error:
            outcome = _outcome(error, request.stage)
            break
        outcome = result.outcome
        info[request.stage] = dict(result.info)
        if request.stage == "measure":
            break
        pipeline.accept(request, finished(request, result, started="", wall_s=0.0))
    return Driven(cell, outcome, info, pipeline._artifacts(), store)


def measured(root: Path, *words: str, config_dirs: tuple[Path, ...] = ()) -> Driven:
    """Settle and run a single cell."""
    (cell,) = settle(words, config_dirs=config_dirs)
    return drive(cell, root)

"""``plan=true``: what a sweep would do, what of it is cached, how long it takes and how much disk, without doing it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config.schema import Settings
from harness.errors import HarnessError
from harness.files import there
from harness.records.io import record_folder
from harness.stages.pipeline import Foreseen, Pipeline
from harness.stages.store import Store
from harness.sweep.estimate import History, Planned, planned
from harness.sweep.manifest import Cell, Manifest
from harness.sweep.progress import outlook

WEIGHTY = frozenset({"export", "simplify", "rewrite", "convert", "adopt"})
"""Stages whose file holds the model's weights, and is about as large as the checkpoint."""


@dataclass(frozen=True)
class CellPlan:
    """A cell and what stands before it; ``refused`` says why nothing can be told."""

    cell: Cell
    stages: tuple[Foreseen, ...] = ()
    refused: str | None = None


def plan_lines(manifest: Manifest, home: Path) -> Iterator[str]:
    """The plan as lines to print. Reads the store and the times of earlier sweeps; writes nothing, starts nothing."""
    plans = _foreseen(manifest, Store(home / "store"), home)
    width = max(len(plan.cell.name) for plan in plans)
    for plan in plans:
        yield f"  {plan.cell.name:<{width}}  {_words(plan)}"
    yield from _time(manifest, plans, History(home / "sweeps" / "history.json"))
    yield _disk(plans, home)
    yield "nothing was run or written: leave plan=true out to begin"


def _foreseen(manifest: Manifest, store: Store, home: Path) -> list[CellPlan]:
    """Each cell with its stages; what an earlier cell of the plan makes counts as cached."""
    made: set[tuple[str, ...]] = set()
    plans = []
    for cell in manifest.cells:
        if cell.decided is not None:
            plans.append(CellPlan(cell))
            continue
        pipeline = Pipeline(cell.settings, store, record_folder(home, manifest.sweep_id, cell.name))
        try:
            plans.append(CellPlan(cell, tuple(pipeline.foresee(made))))
        except (HarnessError, OSError) as error:
            plans.append(CellPlan(cell, refused=" ".join(str(error).split())))
    return plans


def _words(plan: CellPlan) -> str:
    """``cached: export, simplify; to make: parity; 3 processes measure``."""
    settings, decided = plan.cell.settings, plan.cell.decided
    if decided is not None:
        return f"{decided.status}: {decided.message or decided.reason}"
    if plan.refused is not None:
        return f"will fail: {plan.refused}"
    cached = [each.stage for each in plan.stages if each.cached]
    shared = [each.stage for each in plan.stages if each.shared]
    build = [each.stage for each in plan.stages if not (each.cached or each.shared)]
    parts = [
        f"cached: {', '.join(cached)}" if cached else "",
        f"made for a cell above: {', '.join(shared)}" if shared else "",
        f"to make: {', '.join(build)}" if build else "",
        f"{settings.repeats} process{'es' * (settings.repeats != 1)} measure" if settings.repeats else "",
        f"then the largest batch up to {settings.max_batch_cap}" if settings.searches else "",
    ]
    return "; ".join(filter(None, parts))


def _time(manifest: Manifest, plans: Sequence[CellPlan], history: History) -> Iterator[str]:
    """The time that is left to spend, of what was timed here before; the rest is named."""
    ready = {(plan.cell.name, each.stage) for plan in plans for each in plan.stages if each.cached or each.shared}
    steps = [step for step in planned(manifest) if (step.cell, step.work.stage) not in ready]
    known = [step for step in steps if history.expected(step.work) is not None or step.budget_s is not None]
    unknown = [step for step in steps if step not in known]
    left = history.remaining(known) if known else None
    words = (
        "none: nothing would run" if not steps else "unknown" if left is None else outlook(left).replace(" left", "", 1)
    )
    more = [f"{_unknown(unknown)}, never timed here"] if unknown else []
    if any(plan.cell.settings.searches and plan.cell.decided is None for plan in plans):
        more.append("the search for the largest batch, as many times that as it takes tries")
    yield ", and ".join([f"time   {words}", *more])


def _unknown(steps: Sequence[Planned]) -> str:
    names = list(dict.fromkeys(f"{step.work.stage} of {step.work.model}" for step in steps))
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _disk(plans: Sequence[CellPlan], home: Path) -> str:
    """The size of the files that are to be made: as those of the same stage and model, else as the checkpoint."""
    sizes = {
        (plan.cell.settings.model.name, each.stage): each.size_bytes
        for plan in plans
        for each in plan.stages
        if each.cached and each.size_bytes
    }
    total, unknown = 0, 0
    for plan in plans:
        for each in plan.stages:
            if each.cached or each.shared or each.stage not in WEIGHTY:
                continue
            size = sizes.get((plan.cell.settings.model.name, each.stage)) or _weights_bytes(plan.cell.settings)
            total, unknown = total + (size or 0), unknown + (size is None)
    place = there(home)
    free = shutil.disk_usage(place).free
    words = f"about {total / 1e6:.0f} MB" + (f" and {unknown} files of unknown size" if unknown else "")
    return f"disk   {words}; {free / 1e9:.1f} GB are free in {place}"


def _weights_bytes(settings: Settings) -> int | None:
    """How large the model's weights are on disk, or None where there is no file of them."""
    source = settings.model.checkpoint or settings.model.file
    try:
        return Path(source).stat().st_size if source else None
    except OSError:
        return None

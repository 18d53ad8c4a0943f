"""Going on with a cell: what its record says is done, and what is missing still."""

from __future__ import annotations

from contextlib import suppress

from harness.errors import HarnessError
from harness.records.io import RECORD_FILE, read_record
from harness.records.schema import Outcome, Record
from harness.records.standing import Standing, read_standing
from harness.stages.pipeline import evaluation, preparation
from harness.sweep.cell import CellRun
from harness.sweep.manifest import Cell
from harness.sweep.outcome import SIGKILLED

ASIDE = "record.unreadable.json"
"""What a record is called that could not be read and was measured again."""
TARGET = "target_halfwidth"
"""How the note begins that says what became of ``measure.target_halfwidth``."""


def restore(run: CellRun, *, retry: bool = False) -> None:
    """Let a cell go on from its record: kept as it is where it is finished, else with the rounds that it has.

    ``retry``: a cell that did not end ok goes on as well. A record that cannot be read, such as one of a newer harness,
    counts for nothing and is put aside.
    """
    standing = read_standing(run.folder)
    if standing is not None and finished_cell(run.cell, standing, retry=retry):
        run.kept = True
        return
    try:
        record = read_record(run.folder)
    except HarnessError:
        with suppress(OSError):
            (run.folder / RECORD_FILE).replace(run.folder / ASIDE)
            run.said = (f"an earlier record of this cell could not be read and was put aside as {ASIDE}",)
        return
    good = [step for step in record.steps if step.outcome.status == "ok"]
    run.before = record
    run.max_batch = record.max_batch
    run.started = record.started
    run.steps = [step for step in good if step.stage == "measure"]
    run.earlier = {step.stage: step for step in good if step.stage != "measure"}
    run.repeats = list(record.repeats)
    run.tools = record.fingerprint.get("tools", {})
    run.inputs = record.fingerprint.get("inputs", {}) if record.repeats else {}


def remove_partial(run: CellRun) -> None:
    """Remove what a process that was killed had begun to write for the cell's record."""
    for left in run.folder.rglob("*.partial"):
        with suppress(OSError):
            left.unlink()


def finished_cell(cell: Cell, record: Record | Standing, *, retry: bool = False) -> bool:
    """Whether nothing of a cell is left to do; ``retry``: unless it can be tried again because it did not end ok."""
    if cell.decided is not None:
        return record.outcome == cell.decided
    if interrupted(record.outcome):
        return False
    settings = cell.settings
    if settings.searches and record.outcome.status in {"ok", "oom"} and record.max_batch is None:
        return False
    if record.outcome.status != "ok":
        return not retry or (record.outcome.status == "oom" and record.max_batch is not None)
    done = {step.stage for step in record.steps if step.outcome.status == "ok"}
    narrowed = not settings.measure.target_halfwidth or any(note.startswith(TARGET) for note in record.notes)
    return (
        len(record.repeats) >= settings.repeats
        and done.issuperset((*preparation(settings), *evaluation(settings)))
        and (narrowed or not settings.repeats)
    )


def interrupted(outcome: Outcome) -> bool:
    """Whether a cell ended for a reason that is not its own: the user stopped it, or somebody killed its process."""
    return outcome.status == "cancelled" or (outcome.status == "crashed" and outcome.reason == SIGKILLED)

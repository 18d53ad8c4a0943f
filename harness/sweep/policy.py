"""What a sweep makes of cells that fail: which ends were expected, when to stop, and the exit status that follows."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence

from harness.config.schema import Settings
from harness.records.schema import Outcome, Record
from harness.sweep.manifest import Cell

INTERRUPTED = "interrupted"
STOPPED = "stopped"
"""The reasons of cells that were cancelled: by the user, and by ``on_failure``."""
_STOP_AFTER = "stop_after="


class StoppedError(Exception):
    """``on_failure`` says that the other cells shall not be run; its text says why."""


def failures_allowed(settings: Settings) -> float:
    """How many cells may fail before the sweep stops, by ``on_failure``: infinite, 0, or N - 1 for ``stop_after=N``."""
    if settings.on_failure == "continue":
        return float("inf")
    if settings.on_failure.startswith(_STOP_AFTER):
        return int(settings.on_failure.removeprefix(_STOP_AFTER)) - 1
    return 0


def tolerated(settings: Settings, outcome: Outcome) -> bool:
    """Whether a cell's end, looked at alone, is no failure: as asked, or out of memory where that may be."""
    if outcome.status in {"ok", "skipped", "cancelled"}:
        return True
    return outcome.status == "oom" and (settings.expect_oom or settings.find_max_batch)


def unexpected(cells: Sequence[Cell], records: Sequence[Record]) -> list[str]:
    """Names of the cells that did not end as expected; ``records`` are in the order of ``cells``.

    With ``expect_oom`` a batch may run out of memory if no larger one ran, all else being equal; with
    ``find_max_batch`` the cell's own batch may, if the search found a smaller one that runs.
    """
    both = list(zip(cells, records, strict=True))
    fits: dict[tuple[str, ...], int] = {}
    for cell, record in both:
        if record.outcome.status == "ok":
            fits[_alike(cell)] = max(fits.get(_alike(cell), 0), cell.settings.batchsize)
    return [cell.name for cell, record in both if not _expected(cell, record, fits.get(_alike(cell), 0))]


def exit_status(cells: Sequence[Cell], records: Sequence[Record]) -> int:
    """What a sweep's process returns: 0 if every cell ended as expected, 130 if the user stopped it, else 1."""
    if _stopped_by_user(record.outcome for record in records):
        return 128 + signal.SIGINT
    return int(bool(unexpected(cells, records)))


def _expected(cell: Cell, record: Record, largest: int) -> bool:
    settings, outcome = cell.settings, record.outcome
    if settings.find_max_batch and outcome.status in {"ok", "oom"}:
        found = record.max_batch
        return found is not None and found.batchsize is not None and found.limit in {"oom", "cap"}
    if outcome.status == "oom":
        return settings.expect_oom and settings.batchsize > largest
    return outcome.status in {"ok", "skipped"}


def _stopped_by_user(outcomes: Iterable[Outcome]) -> bool:
    return any(outcome.status == "cancelled" and outcome.reason == INTERRUPTED for outcome in outcomes)


def _alike(cell: Cell) -> tuple[str, ...]:
    """What cells have in common that differ in their batch size only."""
    return tuple(each for each in cell.overrides if not each.startswith("batchsize="))

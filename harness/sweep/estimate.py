"""How long the rest of a sweep will take, from what its own steps and those of earlier sweeps took.

An estimate is a courtesy: it is made of measured times only, says when it rests on a profile's budget, and is None
where nothing is known. What goes wrong with its file goes wrong silently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from harness.config.schema import Settings
from harness.config.values import PositiveInt
from harness.files import write_atomically
from harness.stages.pipeline import evaluation, preparation
from harness.sweep.manifest import Cell, Manifest

HISTORY_LENGTH = 1000


@dataclass(frozen=True)
class Work:
    """What decides how long a step takes. ``profile``: how it measures, on what it evaluates; empty for others."""

    stage: str
    model: str
    batchsize: PositiveInt
    profile: str = ""
    device: str = ""


@dataclass(frozen=True)
class _Timed:
    work: Work
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class _File:
    version: Literal[1]
    steps: tuple[_Timed, ...]


_FILE = TypeAdapter(_File)


@dataclass(frozen=True)
class Planned:
    """A step that is still to come. ``budget_s`` is what a profile grants one repeat, which it may exceed."""

    cell: str
    work: Work
    round: int | None = None
    budget_s: float | None = None


@dataclass(frozen=True)
class Remaining:
    """The time left, in seconds; ``by_budget`` says that some of it is a profile's budget instead of experience."""

    seconds: float
    by_budget: bool = False


def planned(manifest: Manifest, among: Sequence[Cell] | None = None) -> tuple[Planned, ...]:
    """All steps of a sweep that are not decided beforehand: preparing ones cell by cell, the rounds, then accuracy.

    ``among``: of these cells only.
    """
    cells = [cell for cell in (manifest.cells if among is None else among) if cell.decided is None]
    steps = [Planned(cell.name, _work(cell.settings, stage)) for cell in cells for stage in preparation(cell.settings)]
    for number in range(1, manifest.rounds + 1):
        for cell in cells:
            measure = cell.settings.measure
            if number <= cell.settings.repeats:
                work = replace(_work(cell.settings, "measure"), profile=measure.name)
                steps.append(Planned(cell.name, work, number, measure.budget_s))
    for cell in cells:
        data = cell.settings.dataset
        part = f"{data.name}:{data.limit or 'all'}"
        steps += [
            Planned(cell.name, replace(_work(cell.settings, stage), profile=part))
            for stage in evaluation(cell.settings)
        ]
    return tuple(steps)


def _work(settings: Settings, stage: str) -> Work:
    return Work(stage, settings.model.name, settings.batchsize, device=settings.soc_version.name)


class History:
    """Wall times of finished steps: those of this sweep, and of earlier ones from ``file`` (None: kept nowhere)."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._seconds: dict[Work, float] = _load(file)
        self._own: dict[Work, list[float]] = defaultdict(list)

    def observe(self, work: Work, seconds: float) -> None:
        """Take the time of a finished step; times of this sweep outweigh older ones."""
        self._own[work].append(seconds)
        mean = sum(self._own[work]) / len(self._own[work])
        self._seconds.pop(work, None)  # last in, last dropped
        self._seconds[work] = mean

    def expected(self, work: Work) -> float | None:
        """Seconds that a step should take: its own mean, else scaled from other batch sizes, else None.

        A measuring step is not scaled: it runs until a budget or a minimum is reached, whatever its batch size. Nor is
        one that evaluates: the data stays the same.
        """
        own = self._seconds.get(work)
        if own is not None or work.profile:
            return own
        alike = {other: s for other, s in self._seconds.items() if replace(other, batchsize=work.batchsize) == work}
        return scaled({other.batchsize: seconds for other, seconds in alike.items()}, work.batchsize)

    def remaining(self, steps: Iterable[Planned]) -> Remaining | None:
        """The time that the steps will take together, or None if one of them is of a kind never seen."""
        total, by_budget = 0.0, False
        known: dict[Work, float | None] = {}
        for step in steps:
            if step.work not in known:
                known[step.work] = self.expected(step.work)
            seconds = known[step.work]
            if seconds is None:
                seconds, by_budget = step.budget_s, True
            if seconds is None:
                return None
            total += seconds
        return Remaining(total, by_budget)

    def save(self) -> None:
        """Merge this sweep's times into the file, which is replaced as a whole; a write that fails is given up."""
        if self.file is None or not self._own:
            return
        merged = _load(self.file)
        for work in self._own:
            merged.pop(work, None)
            merged[work] = self._seconds[work]
        steps = tuple(_Timed(work, round(seconds, 3)) for work, seconds in merged.items())
        with suppress(OSError):
            write_atomically(self.file, _FILE.dump_json(_File(1, steps[-HISTORY_LENGTH:]), indent=0))


def scaled(known: Mapping[int, float], batchsize: int) -> float | None:
    """Seconds at a batch size from those at others: a straight line through two or more, else in proportion.

    Least squares; a line that falls, or falls below zero, is noise and gives way to the nearest batch size's time.
    """
    if not known:
        return None
    if len(known) == 1:
        ((size, seconds),) = known.items()
        return seconds * batchsize / size
    mean_size, mean_s = sum(known) / len(known), sum(known.values()) / len(known)
    slope = sum((size - mean_size) * (s - mean_s) for size, s in known.items())
    slope /= sum((size - mean_size) ** 2 for size in known)
    estimate = mean_s + slope * (batchsize - mean_size)
    nearest = min(known, key=lambda size: abs(size - batchsize))
    return estimate if slope >= 0 and estimate > 0 else known[nearest]


def _load(file: Path | None) -> dict[Work, float]:
    """The times in a history file; none where it is absent, damaged or of another version."""
    if file is None:
        return {}
    try:
        return {step.work: step.seconds for step in _FILE.validate_json(file.read_bytes()).steps}
    except (OSError, ValueError):
        return {}

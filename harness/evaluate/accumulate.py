"""Counting items one after the other, wherever their outputs come from: prediction, metric, saved state, progress."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from harness.datasets.check import OnBadSample, stop_at
from harness.datasets.protocol import BadSample, Item, Prepared, SampleError
from harness.datasets.text import printable
from harness.errors import HarnessError
from harness.evaluate.progress import OnProgress, Progress
from harness.evaluate.state import Done, fingerprint, read_state, write_state
from harness.evaluate.task import Array, Observer, ResultT, Task
from harness.metrics.protocol import Metric


@dataclass(frozen=True)
class Settings:
    """How an evaluation runs; none of it changes its numbers.

    ``workers`` threads prepare at most ``waiting`` items ahead; ``state`` is saved there every ``save_every`` items
    when it is given; ``identity`` names what the state belongs to (model, data set and pipeline, as hashes).
    """

    workers: int = 2
    waiting: int = 4
    on_bad_sample: OnBadSample = "stop"
    state: Path | None = None
    identity: str = ""
    save_every: int = 10
    progress: OnProgress | None = None
    observer: Observer | None = None


@dataclass(frozen=True)
class Evaluation(Generic[ResultT]):
    """What came out. ``resumed`` items had been counted by an earlier run; ``samples`` counts without the padding."""

    result: ResultT
    items: int
    samples: int
    resumed: int
    bad: tuple[BadSample, ...]
    elapsed_s: float


class Accumulator(Generic[ResultT]):
    """Counts ``items`` in their order, from wherever a saved state left off."""

    def __init__(self, task: Task[ResultT], items: Sequence[Item], batch_size: int, settings: Settings) -> None:
        self.metric: Metric[Any, Any, ResultT] = task.metric()
        self._task, self._total, self._settings = task, len(items), settings
        self._belongs_to = fingerprint(items, batch_size, settings.identity)
        done = read_state(settings.state, self._belongs_to) if settings.state else None
        if done:
            self.metric.restore(done.metric)
        self._counts = list(done.sample_counts) if done else []
        self.bad = list(done.bad) if done else []
        self.resumed = self._saved = len(self._counts)
        self._resumed_samples = sum(self._counts)
        self.started = time.monotonic()

    @property
    def sample_counts(self) -> Sequence[int]:
        """How many samples each item counted so far had."""
        return self._counts

    def count(self, prepared: Prepared, outputs: Sequence[Array]) -> None:
        """Count one item; raises HarnessError, naming the item, when its outputs are not what the task expects."""
        try:
            prediction = self._task.predict(prepared.context, outputs)
            score = self.metric.update(prepared.item.id, prediction, prepared.truth)
        except HarnessError as error:
            raise HarnessError(printable(f"{prepared.item.id}: {error}")) from error
        self._counts.append(len(prepared.names))
        if self._settings.observer:
            self._settings.observer(prepared, prediction, score)
        self._report()

    def leave_out(self, item: Item, problem: SampleError) -> None:
        """Note an item that broke after the check; raises its problem when the run is to stop at bad samples."""
        if self._settings.on_bad_sample == "stop":
            raise stop_at(item, problem) from problem
        self.bad.append(BadSample(item.id, str(problem)))
        self._counts.append(0)
        self._report()

    def _report(self) -> None:
        if len(self._counts) - self._saved >= self._settings.save_every:
            self.save()
        if self._settings.progress:
            self._settings.progress(self._reading())

    def _reading(self) -> Progress:
        elapsed_s = max(time.monotonic() - self.started, 1e-9)
        fresh = len(self._counts) - self.resumed
        items_per_s = fresh / elapsed_s
        return Progress(
            done=len(self._counts),
            total=self._total,
            elapsed_s=elapsed_s,
            items_per_s=items_per_s,
            samples_per_s=(sum(self._counts) - self._resumed_samples) / elapsed_s,
            left_s=(self._total - len(self._counts)) / items_per_s if fresh else float("nan"),
            running=self.metric.running(),
        )

    def save(self) -> None:
        """Write the state file, if there is to be one and something is new."""
        if self._settings.state and len(self._counts) > self._saved:
            done = Done(tuple(self._counts), tuple(self.bad), self.metric.state())
            write_state(self._settings.state, self._belongs_to, done)
            self._saved = len(self._counts)

    def evaluation(self) -> Evaluation[ResultT]:
        """The result over everything counted."""
        return combined([self])


def combined(parts: Sequence[Accumulator[ResultT]]) -> Evaluation[ResultT]:
    """The result over what several accumulators counted, each item in exactly one of them."""
    first, *others = parts
    for other in others:
        first.metric.merge(other.metric)
    bad = tuple(bad for part in parts for bad in part.bad)
    counts = [count for part in parts for count in part.sample_counts]
    return Evaluation(
        result=first.metric.result(),
        items=len(counts) - len(bad),
        samples=sum(counts),
        resumed=sum(part.resumed for part in parts),
        bad=bad,
        elapsed_s=max(time.monotonic() - part.started for part in parts),
    )

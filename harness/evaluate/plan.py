"""What has to be known to evaluate one model on one data set, and what its result says, in plain values.

A plan is all that a task brings; what runs it (the stage, files mode) and what shows it know no task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic

from harness.config.model import ModelSettings
from harness.datasets.protocol import Dataset
from harness.errors import ConfigError
from harness.evaluate.gallery import Draw
from harness.evaluate.outputs import SampleFormat
from harness.evaluate.task import ResultT, Task
from harness.metrics.confusion import ConfusedPair
from harness.metrics.scores import ItemScore

TOP = 20
"""How many of the worst items and of the most confused classes are named."""


@dataclass(frozen=True)
class Findings:
    """A result in plain values; every share is 0 to 1, NaN where nothing is known.

    ``headline`` names the one of ``metrics`` that stands for the result. ``classes`` are the rows of the per-class
    table, with a value for each of ``columns``. ``scores`` are all items' own. ``text`` is the tables as the seed
    prints them.
    """

    headline: str
    metrics: Mapping[str, float]
    columns: tuple[str, ...]
    classes: tuple[tuple[str, tuple[float, ...]], ...]
    scores: tuple[ItemScore, ...]
    worst: tuple[ItemScore, ...]
    confused: tuple[ConfusedPair, ...]
    text: str


@dataclass(frozen=True)
class Plan(Generic[ResultT]):
    """How a model is evaluated on a data set.

    ``mode`` is the short word that published values are compared by (``slide``), ``how`` says it in full; both, with
    the data's fingerprint, decide the numbers. ``sample`` and ``output`` are what one sample and its outputs look like.
    ``unit`` is what items are called. ``draw`` shows one item; ``close`` gives up what the plan holds. At most
    ``waiting`` items are prepared ahead of the model: a video takes 231 MB.
    """

    dataset: Dataset
    task: Task[ResultT]
    mode: str
    how: str
    unit: str
    sample: SampleFormat
    output: SampleFormat
    findings: Callable[[ResultT], Findings]
    draw: Draw | None = None
    close: Callable[[], None] = field(default=lambda: None)
    waiting: int = 4


def check_classes(model: ModelSettings, dataset: str, class_names: Sequence[str]) -> None:
    """Raise ConfigError, in one line, where a model's options name another number of classes than the data set has."""
    classes = model.options.get("num_classes", len(class_names))
    if classes != len(class_names):
        raise ConfigError(
            f"dataset={dataset} has {len(class_names)} classes and {model.name} {classes}: its scores mean "
            f"other things; give a model for {dataset} (model.options.num_classes={len(class_names)})"
        )

"""Classification metrics with the meaning that mmaction2 0.24 gives them (``mmaction/core/evaluation/accuracy.py``).

Top-k: the truth is among the k highest scores. Mean class accuracy: hits over items for every class that is true or
predicted at least once (0 for one that is only predicted), averaged over those classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.errors import HarnessError
from harness.metrics.confusion import Counts, Floats, ratio
from harness.metrics.protocol import State
from harness.metrics.scores import ItemScore, ScoreBook


@dataclass(frozen=True)
class ClassificationResult:
    """Accuracies from 0 to 1, NaN when nothing was counted.

    ``acc`` is per true class, float64 (classes,), NaN where the class was never true; ``confusion`` is int64 [true,
    predicted].
    """

    class_names: tuple[str, ...]
    confusion: Counts
    top1: float
    top5: float
    mean_class_accuracy: float
    acc: Floats
    items: tuple[ItemScore, ...]
    """Every item with the score that its true class got, sorted by id."""


class ClassificationMetric:
    """Top-1, top-5 and class-wise accuracy over score vectors; an item's own score is the one of its true class."""

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self.class_names = class_names
        self._counts: Counts = np.zeros((len(class_names), len(class_names)), np.int64)
        self._top5 = 0
        self._scores = ScoreBook()

    def update(self, item_id: str, prediction: npt.NDArray[np.floating], truth: int) -> float:
        """Count one item: ``prediction`` (classes,) scores, higher is likelier; ``truth`` the index of its class.

        Equal scores rank in class order. Returns the true class's score. Raises ValueError on a wrong shape, a class
        out of range or NaN.
        """
        scores = np.asarray(prediction)
        if scores.shape != (len(self.class_names),):
            raise ValueError(f"{item_id}: scores of shape {scores.shape}, expected ({len(self.class_names)},)")
        if not 0 <= truth < scores.size:
            raise ValueError(f"{item_id}: class {truth} is outside the {scores.size} classes")
        if np.isnan(scores).any():
            raise HarnessError(
                f"{item_id}: the scores hold NaN, expected numbers; the model overflowed or was converted wrongly"
            )
        self._scores.add(item_id, float(scores[truth]))
        rank = int((scores > scores[truth]).sum() + (scores[:truth] == scores[truth]).sum())
        self._counts[truth, int(scores.argmax())] += 1
        self._top5 += rank < 5
        return float(scores[truth])

    def merge(self, other: ClassificationMetric) -> None:
        """Add another metric's items; raises ValueError when its classes differ or an item stands in both."""
        if other.class_names != self.class_names:
            raise ValueError("cannot merge metrics of different classes")
        self._scores.merge(other._scores)
        self._counts += other._counts
        self._top5 += other._top5

    def running(self) -> dict[str, float]:
        """``top1`` and ``top5`` so far."""
        items = self._counts.sum()
        return {
            "top1": float(ratio(np.diagonal(self._counts).sum(), items)),
            "top5": float(ratio(self._top5, items)),
        }

    def result(self) -> ClassificationResult:
        """All numbers over all items so far."""
        counts = self._counts.copy()
        acc = ratio(np.diagonal(counts), counts.sum(axis=1))
        met = (counts.sum(axis=0) + counts.sum(axis=1)) > 0
        mean = float(np.mean(np.nan_to_num(acc[met]))) if met.any() else float("nan")
        return ClassificationResult(
            class_names=self.class_names,
            confusion=counts,
            **self.running(),
            mean_class_accuracy=mean,
            acc=acc,
            items=self._scores.all(),
        )

    def state(self) -> State:
        """The counts and the items' scores."""
        return {"confusion": self._counts.copy(), "top5": np.array(self._top5), **self._scores.state()}

    def restore(self, state: State) -> None:
        """Replace what has been counted by a saved state; raises ValueError when it has another number of classes."""
        if state["confusion"].shape != self._counts.shape:
            raise ValueError(f"saved state has {len(state['confusion'])} classes, expected {len(self._counts)}")
        self._counts = np.array(state["confusion"], np.int64)
        self._top5 = int(state["top5"])
        self._scores.restore(state)

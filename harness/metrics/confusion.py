"""Confusion matrices: rows are true classes, columns predicted ones, entries int64 counts of pixels or of items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.metrics.compiled import compiled

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ConfusedPair:
    """How often one class was taken for another: ``share`` is the part of the true class's pixels or items, 0 to 1."""

    truth: str
    predicted: str
    count: int
    share: float


@compiled
def count_labels(
    truth: npt.NDArray[np.uint8], predicted: npt.NDArray[np.uint8], classes: npt.NDArray[np.int32], counts: Counts
) -> int:
    """Add one label map to ``counts``; returns how many pixels were out of range (those are not counted).

    ``truth`` and ``predicted`` are flat and equally long; ``classes[label]`` is the class of a truth's label, -1 where
    it is ignored and -2 where the label is not allowed.
    """
    wrong = 0
    for i in range(truth.size):
        row = classes[truth[i]]
        column = np.int64(predicted[i])
        if row == -1:
            continue
        if row < 0 or column >= counts.shape[1]:
            wrong += 1
        else:
            counts[row, column] += 1
    return wrong


def ratio(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """``numerator / denominator`` as float64, NaN (without a warning) wherever the denominator is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    quotient: Floats = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=quotient, where=bottom != 0)
    return quotient


def nan_mean(values: Floats) -> float:
    """The mean of the values that are not NaN; NaN (without a warning) when there are none."""
    known = values[~np.isnan(values)]
    return float(np.mean(known)) if known.size else float("nan")


def most_confused(counts: Counts, class_names: tuple[str, ...], top: int = 20) -> list[ConfusedPair]:
    """The ``top`` ordered pairs of different classes with the highest counts above 0; ties in class order."""
    off_diagonal = counts.copy()
    np.fill_diagonal(off_diagonal, 0)
    order = np.argsort(-off_diagonal, axis=None, kind="stable")[:top]
    totals = counts.sum(axis=1)
    pairs = []
    for flat in order:
        row, column = divmod(int(flat), counts.shape[1])
        count = int(off_diagonal[row, column])
        if count == 0:
            break
        pairs.append(ConfusedPair(class_names[row], class_names[column], count, count / int(totals[row])))
    return pairs

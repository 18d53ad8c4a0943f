"""A few thousand values of an output, to hold it against another one: whole outputs of a batch can take gigabytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.timing.samples import FloatArray

MOST = 65_536
"""Values that are kept of an output, evenly spread over it."""

Sketch = tuple[FloatArray, ...]


def sketch(outputs: object) -> Sketch | None:
    """The sketch of a sequence of arrays, or None for anything else that a timed call returns."""
    if not isinstance(outputs, Sequence) or not outputs or not all(isinstance(each, np.ndarray) for each in outputs):
        return None
    return tuple(_spread(each) for each in outputs)


def largest_difference(one: Sketch, other: Sketch) -> float:
    """The largest absolute difference over the range of ``other``; infinite where shapes or non-numbers differ."""
    worst = 0.0
    if len(one) != len(other):
        return float("inf")
    for mine, its in zip(one, other, strict=True):
        if mine.shape != its.shape or not np.array_equal(np.isfinite(mine), np.isfinite(its)):
            return float("inf")
        known = np.isfinite(its)
        if known.any():
            spread = float(np.ptp(its[known])) or float(np.abs(its[known]).max()) or 1.0
            worst = max(worst, float(np.abs(mine[known] - its[known]).max()) / spread)
    return worst


def _spread(array: Any) -> FloatArray:
    flat = array.reshape(-1)
    step = max(1, -(-flat.size // MOST))
    return np.asarray(flat[::step], dtype=np.float64)

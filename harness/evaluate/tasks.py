"""The tasks that the project knows: segmentation from windows, classification from views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.datasets.windows import Layout
from harness.errors import HarnessError
from harness.evaluate.task import Task
from harness.metrics.classification import ClassificationMetric, ClassificationResult
from harness.metrics.segmentation import SegmentationMetric, SegmentationResult

Merge = Callable[[Layout, Sequence[npt.NDArray[Any]]], npt.NDArray[np.uint8]]


def segmentation(class_names: tuple[str, ...], merge: Merge) -> Task[SegmentationResult]:
    """Windows merged by ``merge`` (a WindowMerger) and counted against annotations whose label 0 is ignored."""
    return Task(predict=merge, metric=lambda: SegmentationMetric(class_names))


def classification(class_names: tuple[str, ...]) -> Task[ClassificationResult]:
    """Views of one item averaged after a softmax and counted against the index of its class."""
    return Task(predict=average_views, metric=lambda: ClassificationMetric(class_names))


def average_views(context: object, outputs: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    """The mean over all views of the softmax over the classes, float64 (classes,).

    ``outputs`` are logits (views, classes), any number of arrays. mmaction2 calls it ``average_clips="prob"``. Raises
    HarnessError when they are not two-dimensional.
    """
    del context
    if any(output.ndim != 2 for output in outputs):
        raise HarnessError(f"an output has shape {outputs[0].shape}, expected (views, classes)")
    logits = np.concatenate(outputs).astype(np.float64)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray((weights / weights.sum(axis=1, keepdims=True)).mean(axis=0))

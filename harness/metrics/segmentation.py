"""Segmentation metrics with the meaning that mmsegmentation 0.30 gives them (``mmseg/core/evaluation/metrics.py``).

Counts are exact integers, where mmsegmentation adds up float32 areas; everything else follows it: pixels without a
true class count nowhere, a class that is neither in the truth nor predicted is NaN, and means are taken over what is
not NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.metrics.confusion import Counts, Floats, count_labels, nan_mean, ratio
from harness.metrics.protocol import State
from harness.metrics.scores import ItemScore, ScoreBook

Labels = npt.NDArray[np.uint8]

IGNORED_LABEL = 255


@dataclass(frozen=True)
class SegmentationResult:
    """Per-class numbers are float64 of shape (classes,), 0 to 1 or NaN; ``confusion`` is int64 [true, predicted]."""

    class_names: tuple[str, ...]
    confusion: Counts
    a_acc: float
    m_iou: float
    m_acc: float
    m_dice: float
    iou: Floats
    acc: Floats
    dice: Floats
    precision: Floats
    f_score: Floats
    images: tuple[ItemScore, ...]
    """Every image with the mean IoU of the classes that it shows or that were predicted in it, sorted by id."""


def segmentation_result(
    class_names: tuple[str, ...], confusion: Counts, images: tuple[ItemScore, ...] = ()
) -> SegmentationResult:
    """All numbers that follow from a confusion matrix.

    IoU = hit / (true + predicted - hit), Acc (recall) = hit / true, Dice = 2 hit / (true + predicted), precision =
    hit / predicted, F-score = 2 precision recall / (precision + recall), aAcc = sum of hits / all pixels with a true
    class. Dice and F-score differ only where a class was never hit: 0 and NaN.
    """
    hit = np.diagonal(confusion)
    true = confusion.sum(axis=1)
    predicted = confusion.sum(axis=0)
    iou = ratio(hit, true + predicted - hit)
    acc = ratio(hit, true)
    dice = ratio(2 * hit, true + predicted)
    precision = ratio(hit, predicted)
    return SegmentationResult(
        class_names=class_names,
        confusion=confusion,
        a_acc=float(ratio(hit.sum(), true.sum())),
        m_iou=nan_mean(iou),
        m_acc=nan_mean(acc),
        m_dice=nan_mean(dice),
        iou=iou,
        acc=acc,
        dice=dice,
        precision=precision,
        f_score=ratio(2 * precision * acc, precision + acc),
        images=images,
    )


class SegmentationMetric:
    """Confusion counts over label maps; an item's own score is the mean IoU within its image."""

    def __init__(self, class_names: tuple[str, ...], *, reduce_zero_label: bool = True) -> None:
        """``reduce_zero_label``: label 0 is ignored and label n means class n - 1 (ADE20K); else label n is class n.

        Raises ValueError when the classes do not fit into uint8 beside the ignored label 255.
        """
        if not 0 < len(class_names) < IGNORED_LABEL:
            raise ValueError(f"{len(class_names)} classes given, expected 1 to {IGNORED_LABEL - 1}")
        self.class_names = class_names
        self._classes = label_classes(len(class_names), reduce_zero_label=reduce_zero_label)
        self._counts: Counts = np.zeros((len(class_names), len(class_names)), np.int64)
        self._scores = ScoreBook()

    def update(self, item_id: str, prediction: Labels, truth: Labels) -> float:
        """Count one image: ``prediction`` uint8 (H, W) of classes, ``truth`` uint8 (H, W) of annotation labels.

        Returns the mean IoU within the image. Raises ValueError on different shapes, and on values out of range.
        """
        if prediction.shape != truth.shape:
            raise ValueError(f"{item_id}: prediction {prediction.shape} against annotation {truth.shape}")
        counts = np.zeros_like(self._counts)
        labels, classes = (np.ascontiguousarray(array, np.uint8).reshape(-1) for array in (truth, prediction))
        wrong = count_labels(labels, classes, self._classes, counts)
        if wrong:
            raise ValueError(f"{item_id}: {wrong} pixels are outside the {len(self.class_names)} classes")
        score = segmentation_result(self.class_names, counts).m_iou
        self._scores.add(item_id, score)
        self._counts += counts
        return score

    def merge(self, other: SegmentationMetric) -> None:
        """Add another metric's images; raises ValueError when its classes differ or an image stands in both."""
        if other.class_names != self.class_names:
            raise ValueError("cannot merge metrics of different classes")
        self._scores.merge(other._scores)
        self._counts += other._counts

    def running(self) -> dict[str, float]:
        """``mIoU`` and ``aAcc`` so far."""
        result = segmentation_result(self.class_names, self._counts)
        return {"mIoU": result.m_iou, "aAcc": result.a_acc}

    def result(self) -> SegmentationResult:
        """All numbers over all images so far."""
        return segmentation_result(self.class_names, self._counts.copy(), self._scores.all())

    def state(self) -> State:
        """The counts and the images' scores."""
        return {"confusion": self._counts.copy(), **self._scores.state()}

    def restore(self, state: State) -> None:
        """Replace what has been counted by a saved state; raises ValueError when it has another number of classes."""
        if state["confusion"].shape != self._counts.shape:
            raise ValueError(f"saved state has {len(state['confusion'])} classes, expected {len(self._counts)}")
        self._counts = np.array(state["confusion"], np.int64)
        self._scores.restore(state)


def label_classes(classes: int, *, reduce_zero_label: bool) -> npt.NDArray[np.int32]:
    """The class of each of the 256 labels: -1 for an ignored one (0 when reduced, always 255), -2 where not allowed."""
    table = np.full(256, -2, np.int32)
    first = 1 if reduce_zero_label else 0
    table[:first] = -1
    table[first : first + classes] = np.arange(classes)
    table[IGNORED_LABEL] = -1
    return table


def rounded(result: SegmentationResult) -> dict[str, float]:
    """The dictionary that mmsegmentation's ``evaluate`` returns: percentages rounded to two digits, then over 100.

    Keys are ``aAcc``, ``mIoU``, ``mAcc``, ``IoU.<class>`` and ``Acc.<class>``.
    """
    summary = {"aAcc": result.a_acc, "mIoU": result.m_iou, "mAcc": result.m_acc}
    numbers = {key: float(np.round(value * 100, 2)) / 100 for key, value in summary.items()}
    for key, values in (("IoU", result.iou), ("Acc", result.acc)):
        for name, value in zip(result.class_names, np.round(values * 100, 2), strict=True):
            numbers[f"{key}.{name}"] = float(value) / 100
    return numbers

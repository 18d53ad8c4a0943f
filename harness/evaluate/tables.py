"""The metrics as text tables, laid out as the seeds print them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.datasets.text import printable
from harness.metrics.classification import ClassificationResult
from harness.metrics.confusion import ConfusedPair
from harness.metrics.scores import ItemScore
from harness.metrics.segmentation import SegmentationResult


def boxed(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of centred cells in a box of ``+``, ``-`` and ``|``, as prettytable draws it for mmsegmentation.

    A cell that cannot stand in the middle leans right when its text has an even length, left when odd.
    """
    cells = [[printable(str(cell)) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = [
        "|" + "|".join(f" {_centred(cell, width)} " for cell, width in zip(row, widths, strict=True)) + "|"
        for row in cells
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], *([rule] if rows else [])])


def _centred(text: str, width: int) -> str:
    spare = width - len(text)
    left = spare // 2 + (spare % 2 if len(text) % 2 == 0 else 0)
    return " " * left + text + " " * (spare - left)


def percent(value: float) -> str:
    """A share as a percentage rounded to two digits, printed as mmsegmentation prints it: 59.5, 47.92, nan."""
    return str(float(np.round(value * 100, 2)))


def segmentation_tables(result: SegmentationResult) -> str:
    """``per class results`` (IoU, Acc) and ``Summary`` (aAcc, mIoU, mAcc) in per cent, as the seed prints them."""
    classes = [
        (name, percent(iou), percent(acc))
        for name, iou, acc in zip(result.class_names, result.iou, result.acc, strict=True)
    ]
    summary = [(percent(result.a_acc), percent(result.m_iou), percent(result.m_acc))]
    return "\n".join([
        "per class results:",
        boxed(("Class", "IoU", "Acc"), classes),
        "",
        "Summary:",
        boxed(("aAcc", "mIoU", "mAcc"), summary),
    ])  # fmt: skip


def classification_tables(result: ClassificationResult) -> str:
    """``per class results`` (class, Acc) and ``Summary`` (top1, top5, mean class accuracy), in per cent."""
    classes = [(name, percent(acc)) for name, acc in zip(result.class_names, result.acc, strict=True)]
    summary = [(percent(result.top1), percent(result.top5), percent(result.mean_class_accuracy))]
    return "\n".join([
        "per class results:",
        boxed(("Class", "Acc"), classes),
        "",
        "Summary:",
        boxed(("top1", "top5", "mean class acc"), summary),
    ])  # fmt: skip


def confused_table(pairs: Sequence[ConfusedPair]) -> str:
    """The most confused classes: truth, what was predicted instead, how often, and which share of the truth that is."""
    rows = [(pair.truth, pair.predicted, pair.count, percent(pair.share)) for pair in pairs]
    return boxed(("Truth", "Predicted", "Count", "% of truth"), rows)


def worst_table(scores: Sequence[ItemScore]) -> str:
    """The worst items with their own score in per cent, in the order given."""
    return boxed(("Item", "Score"), [(score.item_id, percent(score.score)) for score in scores])

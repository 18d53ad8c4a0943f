"""A few panels kept on disk while an evaluation runs: some of the first items, spread evenly, and the worst so far."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from harness.datasets.pictures import PictureSource
from harness.datasets.protocol import Item, Prepared
from harness.evaluate.panels import panel
from harness.metrics.scores import ItemScore, worst

Draw = Callable[[Prepared, Any], npt.NDArray[np.uint8]]
"""Makes the picture, uint8 BGR, that shows one item and its prediction."""


@dataclass(frozen=True)
class Shown:
    """One picture in the gallery: the item, its own score, and the PNG file."""

    item_id: str
    score: float
    path: Path


def segmentation_draw(source: PictureSource) -> Draw:
    """Draw panels of a segmentation data set; the picture is read once more, because nobody kept it."""
    return lambda prepared, prediction: panel(
        source.picture(prepared.item), prepared.truth, prediction, source.class_names
    )


class Gallery:
    """An observer of one evaluation that draws a few of its items; a resumed run goes on in the same folder."""

    def __init__(self, folder: Path, draw: Draw, items: Sequence[Item], *, examples: int = 4, worst: int = 4) -> None:
        """Keep ``examples`` items spread evenly over ``items``, and the ``worst`` by their own score."""
        self._folder, self._draw, self._worst = folder, draw, worst
        step = max(len(items) // examples, 1) if examples else len(items) + 1
        self._examples = {item.id for item in items[::step][:examples]}
        self._scores: list[ItemScore] = []

    def __call__(self, prepared: Prepared, prediction: Any, score: float) -> None:
        """Draw the item if it is an example or among the worst so far."""
        item = prepared.item
        if not math.isnan(score) and self._worst:
            self._scores = worst((*self._scores, ItemScore(item.id, score)), self._worst)
        is_worst = any(one.item_id == item.id for one in self._scores)
        if not is_worst and item.id not in self._examples:
            return
        picture = self._draw(prepared, prediction)
        self._folder.mkdir(parents=True, exist_ok=True)
        for kind in ("example",) * (item.id in self._examples) + ("worst",) * is_worst:
            cv2.imwrite(str(self._path(kind, item.id)), picture)

    def _path(self, kind: str, item_id: str) -> Path:
        return self._folder / f"{kind}_{re.sub(r'[^A-Za-z0-9_-]', '_', item_id)}.png"

    def close(self, scores: tuple[ItemScore, ...]) -> tuple[list[Shown], list[Shown]]:
        """Remove what is no longer among the worst; returns the examples and the worst that there are pictures of.

        ``scores`` are the result's, over all items: also of those that an interrupted run drew.
        """
        by_id = {one.item_id: one.score for one in scores}
        lowest = [one.item_id for one in worst(scores, self._worst)]
        keep = {self._path("worst", item_id) for item_id in lowest}
        for path in self._folder.glob("worst_*.png"):
            if path not in keep:
                path.unlink()

        def shown(kind: str, ids: Sequence[str]) -> list[Shown]:
            drawn = [(item_id, self._path(kind, item_id)) for item_id in ids if item_id in by_id]
            return [Shown(item_id, by_id[item_id], path) for item_id, path in drawn if path.exists()]

        return shown("example", sorted(self._examples)), shown("worst", lowest)

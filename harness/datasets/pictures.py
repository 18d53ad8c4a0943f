"""Segmentation data sets: a source of pictures and label maps, seen through the official test pipeline's windows."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from harness.datasets.images import Pixels
from harness.datasets.normalise import Normalisation, lookup_tables, normalise
from harness.datasets.protocol import Item, Prepared, Prepares, Source
from harness.datasets.windows import Layout, Sliding, layout, window_names

Window = npt.NDArray[np.float32]


class PictureSource(Source, Protocol):
    """Where pictures and their annotations come from: label n is class n - 1, label 0 is ignored."""

    def read(self, item: Item) -> tuple[Pixels, Pixels]:
        """The picture and its annotation at once."""

    def picture(self, item: Item) -> Pixels:
        """The picture, uint8 (height, width, 3), BGR."""

    def labels(self, item: Item) -> Pixels:
        """The annotation, uint8 (height, width)."""


class WindowedPictures(Prepares[PictureSource]):
    """A segmentation data set: windows of a picture are samples, its annotation the truth, its Layout the context."""

    def __init__(
        self, source: PictureSource, sliding: Sliding | None = None, normalisation: Normalisation | None = None
    ) -> None:
        super().__init__(source)
        self.sliding = sliding or Sliding()
        self._tables = lookup_tables(normalisation or Normalisation())

    def load(self, item: Item) -> Prepared:
        """Read one picture and cut it into windows, float32 (3, height, width), RGB."""
        picture, labels = self.source.read(item)
        height, width = picture.shape[:2]
        plan = layout((height, width), self.sliding)
        samples = cut_windows(picture, plan, self.sliding.window, self._tables)
        return Prepared(item, window_names(item.id, plan), samples, labels, plan)

    def outline(self, item: Item) -> Prepared:
        """The annotation and, from its size, the names and places of the windows."""
        labels = self.source.labels(item)
        height, width = labels.shape
        plan = layout((height, width), self.sliding)
        return Prepared(item, window_names(item.id, plan), (), labels, plan)


def cut_windows(
    picture: Pixels, plan: Layout, window: tuple[int, int], tables: npt.NDArray[np.float32]
) -> tuple[Window, ...]:
    """Resize a BGR picture as planned and cut its windows: float32 (3, height, width), RGB, normalised by table.

    A window that the picture does not fill is filled up with zeros to the right and below.
    """
    height, width = plan.resized
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    planes = cv2.split(resized)[::-1]
    windows = []
    for left, top, right, bottom in plan.boxes:
        shape = (bottom - top, right - left)
        cut = np.empty((3, *shape), np.float32)
        normalise([plane[top:bottom, left:right] for plane in planes], tables, cut)
        if shape != window:
            whole = np.zeros((3, *window), np.float32)
            whole[:, : shape[0], : shape[1]] = cut
            cut = whole
        windows.append(cut)
    return tuple(windows)

"""Segmentation data sets: a source of pictures and label maps, seen through the official test pipeline's windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from harness.datasets.images import Pixels
from harness.datasets.normalise import Normalisation, lookup_tables, normalise
from harness.datasets.protocol import Item, Prepared
from harness.datasets.windows import Layout, Sliding, layout, window_names

Window = npt.NDArray[np.float32]


class PictureSource(Protocol):
    """Where pictures and their annotations come from."""

    @property
    def name(self) -> str:
        """How the configuration calls the data set."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes; label n of an annotation is class n - 1, label 0 is ignored."""

    @property
    def items(self) -> Sequence[Item]:
        """All pictures, in a fixed order."""

    def read(self, item: Item) -> tuple[Pixels, Pixels]:
        """The picture and its annotation at once."""

    def picture(self, item: Item) -> Pixels:
        """The picture, uint8 (height, width, 3), BGR."""

    def labels(self, item: Item) -> Pixels:
        """The annotation, uint8 (height, width)."""

    def problem(self, item: Item) -> str | None:
        """Why the item cannot be used; None when nothing is wrong."""

    def fingerprint(self) -> str:
        """What changes when the items or their content do."""


class WindowedPictures:
    """A segmentation data set: windows of a picture are samples, its annotation the truth, its Layout the context."""

    def __init__(
        self, source: PictureSource, sliding: Sliding | None = None, normalisation: Normalisation | None = None
    ) -> None:
        self.source = source
        self.sliding = sliding or Sliding()
        self._tables = lookup_tables(normalisation or Normalisation())

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    @property
    def class_names(self) -> tuple[str, ...]:
        """The source's classes."""
        return self.source.class_names

    @property
    def items(self) -> Sequence[Item]:
        """The source's pictures."""
        return self.source.items

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

    def problem(self, item: Item) -> str | None:
        """What the source says."""
        return self.source.problem(item)

    def fingerprint(self) -> str:
        """What the source says."""
        return self.source.fingerprint()


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

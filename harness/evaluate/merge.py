"""From the scores of an image's windows to its label map: sum by count, resize to the original size, argmax."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.datasets.windows import Layout
from harness.errors import HarnessError
from harness.evaluate.merge_kernel import merge_rows, taps

ROWS_AT_ONCE = 16
"""Output rows of one block: few enough for the best scores to stay in the cache, enough to read memory in long runs."""


class WindowMerger:
    """Merges windows on ``threads`` threads of its own; safe to call from several threads."""

    def __init__(self, threads: int | None = None) -> None:
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="merge")

    def __call__(self, context: Layout, outputs: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.uint8]:
        """The label map, uint8 of the original size, of an image whose windows' scores are ``outputs``.

        Each output is (1, classes, height, width) or (classes, height, width), in the order of the layout's boxes; what
        lies outside a box (the padding of a small image) is cut off. The most likely class is the one with the highest
        score, since softmax keeps the order; among equal scores it is the lowest. Raises HarnessError on NaN, and on
        outputs that cannot be windows of the layout.
        """
        windows = [_window(output, context) for output in outputs]
        if len(windows) != len(context.boxes):
            raise HarnessError(f"{len(windows)} window outputs came back, expected {len(context.boxes)}")
        addresses = np.array([window.ctypes.data for window in windows], np.uintp)
        boxes = np.array(context.boxes, np.int32)
        (height, width), (resized_height, resized_width) = context.original, context.resized
        rows, columns = taps(resized_height, height), taps(resized_width, width)
        labels = np.empty((height, width), np.uint8)

        def block(first: int) -> int:
            last = min(first + ROWS_AT_ONCE, height)
            return merge_rows(addresses, boxes, windows[0].shape, resized_width, rows, columns, first, last, labels)

        if any(self._pool.map(block, range(0, height, ROWS_AT_ONCE))):
            raise HarnessError(
                "the model's scores hold NaN, expected numbers; its precision overflowed or it was converted wrongly"
            )
        return labels

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def __enter__(self) -> WindowMerger:  # noqa: PYI034 - typing.Self is younger than Python 3.10
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _window(output: npt.NDArray[Any], context: Layout) -> npt.NDArray[np.float32]:
    """One window's scores as contiguous float32 (classes, height, width)."""
    scores = output[0] if output.ndim == 4 and len(output) == 1 else output
    left, top, right, bottom = context.boxes[0]
    if (
        scores.ndim != 3
        or not 0 < len(scores) <= 256
        or scores.shape[1] < bottom - top
        or scores.shape[2] < right - left
    ):
        raise HarnessError(
            f"a window's output has shape {output.shape}, expected (1, classes, {bottom - top} or more rows, "
            f"{right - left} or more columns)"
        )
    return np.ascontiguousarray(scores, np.float32)

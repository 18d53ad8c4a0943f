"""The hot loop of segmentation: window scores to label map, one block of output rows at a time.

Nothing of the size classes x height x width is ever made: for a block of output rows the loop goes through the
classes one by one and keeps only the best score and its class for each pixel. A class's rows lie next to each other
in its window, so memory is read once, in order; the block's two maps stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numba  # type: ignore[import-untyped,import-not-found,unused-ignore]
import numpy as np
import numpy.typing as npt
from numba.core import cgutils, types  # type: ignore[import-untyped,import-not-found,unused-ignore]
from numba.extending import intrinsic  # type: ignore[import-untyped,import-not-found,unused-ignore]

from harness.metrics.compiled import compiled

Taps = tuple[npt.NDArray[np.uintp], npt.NDArray[np.uintp], npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""For every output position: the lower and upper source position and their weights."""


def taps(source: int, target: int) -> Taps:
    """Bilinear taps from ``source`` to ``target`` positions, corners not aligned, in float32 as torch computes them.

    Source: ``torch.nn.functional.interpolate(mode="bilinear", align_corners=False)`` on the CPU.
    """
    position = np.arange(target, dtype=np.float32)
    if source != target:
        scale = np.float32(source) / np.float32(target)
        position = np.maximum(scale * (position + np.float32(0.5)) - np.float32(0.5), np.float32(0))
    lower = np.minimum(position.astype(np.int32), source - 1)
    upper = np.minimum(lower + 1, source - 1)
    weight = np.clip(position - lower.astype(np.float32), np.float32(0), np.float32(1))
    return lower.astype(np.uintp), upper.astype(np.uintp), np.float32(1) - weight, weight


def _pointer_intrinsic(_context: Any, _address: Any) -> Any:
    """The memory at an address: numba takes no list of arrays without copying it or compiling for its length."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.uintp), generate


_pointer = cast("Callable[[Any], Any]", intrinsic(_pointer_intrinsic))
_view = cast("Callable[..., npt.NDArray[np.float32]]", vars(numba)["carray"])


@compiled
def merge_rows(  # noqa: PLR0917 - compiled functions take no keywords cheaply
    addresses: npt.NDArray[np.uintp],
    boxes: npt.NDArray[np.int32],
    shape: tuple[int, int, int],
    width: int,
    rows: Taps,
    columns: Taps,
    first: int,
    last: int,
    labels: npt.NDArray[np.uint8],
) -> int:
    """Fill output rows ``first`` to ``last`` (not included) of ``labels``; returns how many scores read were NaN.

    ``addresses`` point to float32 windows of ``shape`` (classes, height, width), C order; ``boxes`` int32 (windows,
    4) say where they lie (left, top, right, bottom) in the resized image, which is ``width`` wide. Overlapping
    windows are summed in order and divided by their number. ``rows`` and ``columns`` resize to the shape of
    ``labels``. Among equal scores the lowest class wins.
    """
    row_lower, row_upper, row_low_weight, row_up_weight = rows
    lower, upper, low_weight, up_weight = columns
    top = np.int64(row_lower[first])
    height = np.int64(row_upper[last - 1]) - top + 1
    out_width = labels.shape[1]
    same_width = out_width == width
    merged = np.empty(width, np.float32)
    counts = np.zeros((height, width), np.float32)
    for k in range(boxes.shape[0]):
        for y in range(max(boxes[k, 1], top), min(boxes[k, 3], top + height)):
            counts[y - top, boxes[k, 0] : boxes[k, 2]] += np.float32(1)
    resized = np.empty((height, out_width), np.float32)
    # Read from one copy, written to the other: updated in place they compile to masked stores, which AMD runs ten
    # times slower.
    best = np.full((2, last - first, out_width), -np.inf, np.float32)
    winner = np.zeros((2, last - first, out_width), np.int32)
    not_numbers = np.int32(0)
    for label in range(shape[0]):
        for y in range(top, top + height):
            target = resized[y - top] if same_width else merged
            target[:] = np.float32(0)
            for k in range(boxes.shape[0]):
                if boxes[k, 1] <= y < boxes[k, 3]:
                    window = _view(_pointer(addresses[k]), shape, np.float32)
                    source = window[label, y - boxes[k, 1]]
                    left = boxes[k, 0]
                    for x in range(boxes[k, 2] - left):
                        target[left + x] += source[x]
            count = counts[y - top]
            for x in range(width):
                target[x] /= count[x]
                not_numbers += np.int32(target[x] != target[x])
            if not same_width:
                row = resized[y - top]
                for x in range(out_width):
                    row[x] = low_weight[x] * merged[lower[x]] + up_weight[x] * merged[upper[x]]
        for y in range(first, last):
            above, below = resized[np.int64(row_lower[y]) - top], resized[np.int64(row_upper[y]) - top]
            above_weight, below_weight = row_low_weight[y], row_up_weight[y]
            old_best, new_best = best[label % 2, y - first], best[1 - label % 2, y - first]
            old_winner, new_winner = winner[label % 2, y - first], winner[1 - label % 2, y - first]
            for x in range(out_width):
                score = above_weight * above[x] + below_weight * below[x]
                champion, champion_score = old_winner[x], old_best[x]
                better = score > champion_score
                new_best[x] = score if better else champion_score
                new_winner[x] = np.int32(label) if better else champion
    for y in range(first, last):
        for x in range(out_width):
            labels[y, x] = winner[shape[0] % 2, y - first, x]
    return int(not_numbers)

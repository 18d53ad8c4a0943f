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

Taps = tuple[npt.NDArray[np.uintp], npt.NDArray[np.uintp], npt.NDArray[np.float32]]
"""For every output position: the lower and the upper source position, and the upper one's weight."""


def taps(source: int, target: int) -> Taps:
    """Bilinear taps from ``source`` to ``target`` positions, corners not aligned, in float32 as torch computes them.

    Source: ``torch.nn.functional.interpolate(mode="bilinear", align_corners=False)`` on the CPU.
    """
    position = np.arange(target, dtype=np.float32)
    if source != target:
        scale = np.float32(source) / np.float32(target)
        position = np.maximum(scale * (position + np.float32(0.5)) - np.float32(0.5), np.float32(0))
    lower = np.minimum(position.astype(np.uintp), source - 1)
    weight = np.clip(position - lower.astype(np.float32), np.float32(0), np.float32(1))
    upper = np.where(weight > 0, np.minimum(lower + 1, source - 1), lower)
    return lower.astype(np.uintp), upper.astype(np.uintp), weight


def _pointer_intrinsic(_context: Any, _address: Any) -> Any:
    """The memory at an address: numba takes no list of arrays without copying it or compiling for its length."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.uintp), generate


_pointer = cast("Callable[[Any], Any]", intrinsic(_pointer_intrinsic))
_view = cast("Callable[..., npt.NDArray[np.float32]]", vars(numba)["carray"])


@compiled
def _merge_row(  # noqa: PLR0917
    addresses: npt.NDArray[np.uintp],
    boxes: npt.NDArray[np.int32],
    shape: tuple[int, int, int],
    label: int,
    y: int,
    edges: npt.NDArray[np.int32],
    target: npt.NDArray[np.float32],
) -> int:
    """One class's row ``y`` of the resized image, written to ``target``; returns how many of its scores are NaN.

    Between two neighbours of ``edges`` (sorted, where windows begin or end) it is always the same windows that overlap.
    """
    not_numbers = np.int32(0)
    for cell in range(edges.size - 1):
        left, right = np.int64(edges[cell]), np.int64(edges[cell + 1])
        part = target[left:right]
        count = 0
        for k in range(boxes.shape[0]):
            if boxes[k, 1] <= y < boxes[k, 3] and boxes[k, 0] <= left and right <= boxes[k, 2]:
                window = _view(_pointer(addresses[k]), shape, np.float32)
                source = window[label, y - boxes[k, 1], left - boxes[k, 0] : right - boxes[k, 0]]
                if count == 0:
                    for x in range(right - left):
                        not_numbers += np.int32(source[x] != source[x])
                        part[x] = source[x]
                else:
                    for x in range(right - left):
                        not_numbers += np.int32(source[x] != source[x])
                        part[x] += source[x]
                count += 1
        if count > 1:
            for x in range(right - left):
                part[x] /= np.float32(count)
    return int(not_numbers)


@compiled
def _resize_row(
    merged: npt.NDArray[np.float32],
    width: int,
    lower: npt.NDArray[np.uintp],
    weight: npt.NDArray[np.float32],
    target: npt.NDArray[np.float32],
) -> None:
    """Resize a row of ``width`` scores; ``merged`` has one place more, so that the last score has a neighbour."""
    merged[width] = merged[width - 1]
    for x in range(target.size):
        left, share = lower[x], weight[x]
        target[x] = (np.float32(1) - share) * merged[left] + share * merged[left + np.uintp(1)]


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
    row_lower, row_upper, row_weight = rows
    lower, _, weight = columns
    top = np.int64(row_lower[first])
    height = np.int64(row_upper[last - 1]) - top + 1
    out_width = labels.shape[1]
    same_width = out_width == width
    edges = np.unique(np.concatenate((boxes[:, 0], boxes[:, 2])))
    merged = np.empty(width + 1, np.float32)
    resized = np.empty((height, out_width), np.float32)
    # Read from one copy, written to the other: in place they compile to masked stores, ten times slower on AMD.
    best = np.full((2, last - first, out_width), -np.inf, np.float32)
    winner = np.zeros((2, last - first, out_width), np.int32)
    not_numbers = 0
    for label in range(shape[0]):
        for y in range(top, top + height):
            if same_width:
                not_numbers += _merge_row(addresses, boxes, shape, label, y, edges, resized[y - top])
            else:
                not_numbers += _merge_row(addresses, boxes, shape, label, y, edges, merged)
                _resize_row(merged, width, lower, weight, resized[y - top])
        for y in range(first, last):
            above, below = resized[np.int64(row_lower[y]) - top], resized[np.int64(row_upper[y]) - top]
            below_weight = row_weight[y]
            above_weight = np.float32(1) - below_weight
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
    return not_numbers

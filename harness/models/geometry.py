"""The fixed arrays behind windows, pooling and resizing: numpy only, so that they can be tested without torch.

Every network here knows its image size when it is built. What other implementations compute per call (shift masks,
index tables, pooling regions) is therefore a constant, and none of its arithmetic reaches the exported graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MASKED = -100.0
"""Added to the score of a pair that must not attend (Liu et al. 2021, arXiv:2103.14030; mmsegmentation 0.30)."""


@dataclass(frozen=True)
class WindowGrid:
    """How one feature map is cut into square windows, cyclically shifted or not.

    Attributes:
        height, width: size of the map in tokens, before padding.
        window: side of a window in tokens.
        shift: how far the map is rolled up and left before it is cut; 0 for none.
    """

    height: int
    width: int
    window: int
    shift: int = 0

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width after padding at the bottom and the right to whole windows."""
        return padded_size(self.height, self.window), padded_size(self.width, self.window)

    @property
    def windows(self) -> int:
        """Number of windows in one map."""
        return (self.padded[0] // self.window) * (self.padded[1] // self.window)

    @property
    def needs_padding(self) -> bool:
        """Whether the windows hold more tokens than the map."""
        return self.padded != (self.height, self.width)


def padded_size(size: int, multiple: int) -> int:
    """The smallest multiple of ``multiple`` that is at least ``size``."""
    return -(-size // multiple) * multiple


def _cut(plane: NDArray[np.int32], window: int) -> NDArray[np.int32]:
    """A (height, width) plane as (windows, window * window), windows and tokens in row-major order."""
    rows, columns = plane.shape[0] // window, plane.shape[1] // window
    cut = plane.reshape(rows, window, columns, window).transpose(0, 2, 1, 3)
    tokens: NDArray[np.int32] = cut.reshape(rows * columns, window * window)
    return tokens


def partition_index(grid: WindowGrid) -> NDArray[np.int32]:
    """For each token of each window, its place in the flat map: padding, rolling and cutting in one gather.

    Returns:
        int32 of shape (windows * window * window,). The value ``height * width`` stands for a padded token, which is
        zero: gather from a map with one zero token appended.
    """
    height, width = grid.height, grid.width
    plane = np.full(grid.padded, height * width, dtype=np.int32)
    plane[:height, :width] = np.arange(height * width, dtype=np.int32).reshape(height, width)
    rolled = np.roll(plane, (-grid.shift, -grid.shift), axis=(0, 1))
    return _cut(rolled, grid.window).reshape(-1)


def reverse_index(grid: WindowGrid) -> NDArray[np.int32]:
    """For each token of the flat map, its place among the tokens of all windows: the inverse of ``partition_index``.

    Returns:
        int32 of shape (height * width,).
    """
    forward = partition_index(grid)
    inside = forward < grid.height * grid.width
    index = np.empty(grid.height * grid.width, dtype=np.int32)
    index[forward[inside]] = np.flatnonzero(inside).astype(np.int32)
    return index


def shift_mask(grid: WindowGrid) -> NDArray[np.float32]:
    """What is added to the scores of a shifted map so that only tokens that were neighbours attend to each other.

    The map is padded, then divided into nine regions by the lines ``-window`` and ``-shift`` of both axes; pairs from
    different regions get ``MASKED`` (mmsegmentation 0.30, ``ShiftWindowMSA``). Padded tokens are not masked.

    Returns:
        float32 of shape (windows, window * window, window * window).
    """
    regions = np.zeros(grid.padded, dtype=np.int32)
    spans = (slice(0, -grid.window), slice(-grid.window, -grid.shift), slice(-grid.shift, None))
    for row, vertical in enumerate(spans):
        for column, horizontal in enumerate(spans):
            regions[vertical, horizontal] = 3 * row + column
    tokens = _cut(regions, grid.window)
    return np.where(tokens[:, None, :] != tokens[:, :, None], MASKED, 0.0).astype(np.float32)


def relative_position_index(window: int) -> NDArray[np.int64]:
    """Row of the bias table for each pair of tokens in a window, as mmsegmentation 0.30 numbers them.

    Returns:
        int64 of shape (window * window, window * window), values in [0, (2 * window - 1) ** 2).
    """
    row = np.arange(window, dtype=np.int64)
    places = (row[:, None] * (2 * window - 1) + row[None, :]).reshape(-1)
    index: NDArray[np.int64] = places[:, None] + places[::-1][None, :]
    return index


def average_matrix(size: int, bins: int) -> NDArray[np.float32]:
    """Adaptive average pooling along one axis as a matrix: ``pooled = matrix @ values``.

    Bin i covers ``floor(i * size / bins)`` up to ``ceil((i + 1) * size / bins)``, as torch's ``adaptive_avg_pool2d``.

    Returns:
        float32 of shape (bins, size); every row sums to one.
    """
    matrix = np.zeros((bins, size), dtype=np.float64)
    for index in range(bins):
        first, last = index * size // bins, -(-(index + 1) * size // bins)
        matrix[index, first:last] = 1.0 / (last - first)
    return matrix.astype(np.float32)


def bilinear_matrix(size: int, target: int) -> NDArray[np.float32]:
    """Linear interpolation along one axis as a matrix, half-pixel centres (``align_corners=False``), edges repeated.

    Returns:
        float32 of shape (target, size); every row sums to one.
    """
    matrix = np.zeros((target, size), dtype=np.float64)
    for index in range(target):
        place = max((index + 0.5) * size / target - 0.5, 0.0)
        low = min(int(place), size - 1)
        high = min(low + 1, size - 1)
        matrix[index, low] += 1.0 - (place - low)
        matrix[index, high] += place - low
    return matrix.astype(np.float32)

"""The fixed arrays behind windows, pooling and resizing: numpy only, so that they can be tested without torch.

Every network here knows the size of its input when it is built. What other implementations compute per call (shift
masks, index tables, pooling regions) is therefore a constant, and none of its arithmetic reaches the exported graph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MASKED = -100.0
"""Added to the score of a pair that must not attend (Liu et al. 2021, arXiv:2103.14030; mmsegmentation 0.30)."""


@dataclass(frozen=True)
class WindowGrid:
    """How one feature map of any number of axes is cut into windows, cyclically shifted or not.

    Attributes:
        size: of the map in tokens along each axis (height and width; of a video, frames before them), before padding.
        window: of one window in tokens along each axis.
        shift: how far the map is rolled towards the start of each axis before it is cut; 0 for none.
    """

    size: tuple[int, ...]
    window: tuple[int, ...]
    shift: tuple[int, ...]

    @property
    def padded(self) -> tuple[int, ...]:
        """Size after padding at the end of each axis to whole windows."""
        return tuple(padded_size(size, window) for size, window in zip(self.size, self.window, strict=True))

    @property
    def tokens(self) -> int:
        """Number of tokens in the map."""
        return math.prod(self.size)

    @property
    def window_tokens(self) -> int:
        """Number of tokens in a window."""
        return math.prod(self.window)

    @property
    def windows(self) -> int:
        """Number of windows in one map."""
        return math.prod(self.padded) // self.window_tokens

    @property
    def shifted(self) -> bool:
        """Whether the map is rolled along any axis."""
        return any(self.shift)

    @property
    def needs_padding(self) -> bool:
        """Whether the windows hold more tokens than the map."""
        return self.padded != self.size


def padded_size(size: int, multiple: int) -> int:
    """The smallest multiple of ``multiple`` that is at least ``size``."""
    return -(-size // multiple) * multiple


def _cut(plane: NDArray[np.int32], window: tuple[int, ...]) -> NDArray[np.int32]:
    """A map of whole windows as (windows, tokens of a window), windows and tokens in row-major order."""
    axes = range(plane.ndim)
    pairs = [part for size, step in zip(plane.shape, window, strict=True) for part in (size // step, step)]
    order = [*(2 * axis for axis in axes), *(2 * axis + 1 for axis in axes)]
    tokens: NDArray[np.int32] = plane.reshape(pairs).transpose(order).reshape(-1, math.prod(window))
    return tokens


def partition_index(grid: WindowGrid) -> NDArray[np.int32]:
    """For each token of each window, its place in the flat map: padding, rolling and cutting in one gather.

    Returns:
        int32 of shape (windows * tokens of a window,). The number of the map's tokens stands for a padded token, which
        is zero: gather from a map with one zero token appended.
    """
    plane = np.full(grid.padded, grid.tokens, dtype=np.int32)
    plane[tuple(map(slice, grid.size))] = np.arange(grid.tokens, dtype=np.int32).reshape(grid.size)
    rolled = np.roll(plane, tuple(-shift for shift in grid.shift), axis=tuple(range(plane.ndim)))
    return _cut(rolled, grid.window).reshape(-1)


def reverse_index(grid: WindowGrid) -> NDArray[np.int32]:
    """For each token of the flat map, its place among the tokens of all windows: the inverse of ``partition_index``.

    Returns:
        int32 of shape (tokens of the map,).
    """
    forward = partition_index(grid)
    inside = forward < grid.tokens
    index = np.empty(grid.tokens, dtype=np.int32)
    index[forward[inside]] = np.flatnonzero(inside).astype(np.int32)
    return index


def shift_mask(grid: WindowGrid) -> NDArray[np.float32]:
    """What is added to the scores of a shifted map so that only tokens that were neighbours attend to each other.

    The padded map is divided by the lines ``-window`` and ``-shift`` of every shifted axis; pairs from different
    regions get ``MASKED`` (``ShiftWindowMSA`` of mmsegmentation 0.30, ``compute_mask`` of Video Swin). Padded tokens
    are not masked.

    Returns:
        float32 of shape (windows, tokens of a window, tokens of a window).
    """
    regions = np.zeros(grid.padded, dtype=np.int32)
    for axis, (size, window, shift) in enumerate(zip(grid.padded, grid.window, grid.shift, strict=True)):
        if shift:
            place = np.arange(size)
            region = (place >= size - window).astype(np.int32) + (place >= size - shift)
            regions = 3 * regions + region.reshape([-1 if each == axis else 1 for each in range(regions.ndim)])
    tokens = _cut(regions, grid.window)
    return np.where(tokens[:, None, :] != tokens[:, :, None], MASKED, 0.0).astype(np.float32)


def relative_position_index(window: tuple[int, ...]) -> NDArray[np.int64]:
    """Row of the bias table for each pair of tokens in a window, as mmsegmentation 0.30 and Video Swin number them.

    Returns:
        int64 of shape (tokens, tokens) of a window, values in [0, product of ``2 * window - 1``).
    """
    places = np.zeros(1, dtype=np.int64)
    for side in window:
        places = (places[:, None] * (2 * side - 1) + np.arange(side, dtype=np.int64)[None, :]).reshape(-1)
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

"""The fixed arrays behind windows, pooling and resizing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from harness.models.geometry import (
    MASKED,
    WindowGrid,
    average_matrix,
    bilinear_matrix,
    partition_index,
    relative_position_index,
    reverse_index,
    shift_mask,
)


@st.composite
def grids(draw) -> WindowGrid:
    """Grids of images and of videos, shifted along some axes or none."""
    axes = draw(st.integers(2, 3))
    window = tuple(draw(st.sampled_from([2, 3, 7])) for _ in range(axes))
    shift = tuple(draw(st.sampled_from([0, side // 2])) for side in window)
    return WindowGrid(tuple(draw(st.integers(1, 20 if axes == 2 else 9)) for _ in range(axes)), window, shift)


@given(grids())
def test_cutting_and_putting_back_loses_nothing(grid):
    tokens = np.arange(grid.tokens) + 1
    windows = np.append(tokens, 0)[partition_index(grid)]
    assert windows.size == grid.windows * grid.window_tokens
    np.testing.assert_array_equal(windows[reverse_index(grid)], tokens)
    assert np.count_nonzero(windows) == tokens.size


def test_windows_are_squares_of_the_rolled_map():
    grid = WindowGrid((4, 4), window=(2, 2), shift=(1, 1))
    first_window = partition_index(grid)[:4]
    np.testing.assert_array_equal(first_window, [5, 6, 9, 10])
    last_window = partition_index(grid)[-4:]
    np.testing.assert_array_equal(last_window, [15, 12, 3, 0])


@given(grids())
def test_only_former_neighbours_attend_to_each_other(grid):
    mask = shift_mask(grid)
    assert mask.shape == (grid.windows, grid.window_tokens, grid.window_tokens)
    assert set(np.unique(mask)) <= {MASKED, 0.0}
    np.testing.assert_array_equal(mask, mask.transpose(0, 2, 1))
    assert not mask[:, np.arange(grid.window_tokens), np.arange(grid.window_tokens)].any()
    whole = WindowGrid(grid.padded, grid.window, grid.shift)
    places = np.unravel_index(partition_index(whole).reshape(grid.windows, -1), grid.padded)
    far = np.zeros(mask.shape, bool)
    for place, side in zip(places, grid.window, strict=True):
        far |= np.abs(place[:, :, None] - place[:, None]) >= side
    assert (mask[far] == MASKED).all()


def test_relative_positions_count_from_the_last_token_backwards():
    np.testing.assert_array_equal(
        relative_position_index((2, 2)), [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]
    )


@given(st.integers(1, 40), st.integers(1, 8))
def test_pooling_matrix_is_adaptive_average_pooling(size, bins):
    values = np.random.default_rng(size).standard_normal((1, 1, size)).astype(np.float32)
    expected = F.adaptive_avg_pool1d(torch.from_numpy(values), bins).numpy()
    np.testing.assert_allclose(values @ average_matrix(size, bins).T, expected, atol=1e-6)


@given(st.integers(1, 20), st.integers(1, 40))
def test_bilinear_matrix_is_interpolation(size, target):
    values = np.random.default_rng(size).standard_normal((1, 1, size)).astype(np.float32)
    expected = F.interpolate(torch.from_numpy(values), size=target, mode="linear", align_corners=False).numpy()
    np.testing.assert_allclose(values @ bilinear_matrix(size, target).T, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "target"), [((4, 4), (16, 16)), ((3, 3), (16, 16)), ((4, 6), (7, 11)), ((5, 5), (5, 5))]
)
def test_resizing_matches_torch_at_any_ratio(size, target):
    from harness.models.resample import BilinearResize

    values = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, *size)).astype(np.float32))
    expected = F.interpolate(values, size=target, mode="bilinear", align_corners=False)
    torch.testing.assert_close(BilinearResize(size, target)(values), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("bins", [1, 2, 3, 6])
def test_pooling_matches_torch_on_a_map_that_does_not_divide(bins):
    from harness.models.resample import FixedAveragePool

    values = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 16, 11)).astype(np.float32))
    expected = F.adaptive_avg_pool2d(values, bins)
    torch.testing.assert_close(FixedAveragePool(3, (16, 11), bins)(values), expected, atol=1e-6, rtol=0)

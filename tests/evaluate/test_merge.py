"""Merging windows: the seed's label maps, an independent computation, and outputs that cannot be right."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets.ade20k import Ade20k
from harness.datasets.windows import Sliding, layout
from harness.errors import HarnessError
from harness.evaluate.merge import WindowMerger
from harness.evaluate.merge_kernel import taps


@pytest.fixture(scope="module")
def merger():
    with WindowMerger(2) as one:
        yield one


def plainly(plan, windows):
    """The same in float64 and in the open: sum, count, two matrices of taps, argmax; and the lead of the best class."""
    total = np.zeros((windows[0].shape[0], *plan.resized))
    count = np.zeros(plan.resized)
    for (left, top, right, bottom), window in zip(plan.boxes, windows, strict=True):
        total[:, top:bottom, left:right] += window[:, : bottom - top, : right - left]
        count[top:bottom, left:right] += 1

    def matrix(source, target):
        positions = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, None)
        grid = np.arange(source)
        return np.clip(1 - np.abs(np.minimum(positions, source - 1)[:, None] - grid), 0, None)

    rows, columns = (matrix(*sizes) for sizes in zip(plan.resized, plan.original, strict=True))
    scores = rows @ (total / count) @ columns.T
    ordered = np.sort(scores, axis=0)
    lead = ordered[-1] - ordered[-2] if len(ordered) > 1 else np.ones(plan.original)
    return scores.argmax(axis=0), lead


@pytest.mark.parametrize("number", [1, 2])
def test_label_maps_are_those_of_the_seed(shared, merger, number):
    stem = f"ADE_val_0000000{number}"
    source = Ade20k(shared / "real")
    picture = source.picture(next(item for item in source.items if item.id == stem))
    plan = layout(picture.shape[:2], Sliding())
    windows = [
        np.kron(np.random.RandomState(number * 100 + k).standard_normal((150, 32, 32)), np.ones((1, 16, 16)))
        for k in range(len(plan.boxes))
    ]
    want = cv2.imread(str(shared / f"golden/pred_{stem}.png"), cv2.IMREAD_UNCHANGED)
    mine = merger(plan, [window.astype(np.float32)[None] for window in windows])
    assert mine.shape == want.shape == picture.shape[:2]
    assert np.mean(mine == want) >= 0.99999


edges = st.tuples(st.integers(1, 40), st.integers(1, 40))


@settings(max_examples=60, deadline=None)
@given(edges, edges, st.integers(1, 5), st.integers(0, 2**32 - 1), st.data())
def test_any_geometry_gives_the_plain_computation_s_labels(merger, original, window, classes, seed, data):
    stride = tuple(data.draw(st.integers(1, edge)) for edge in window)
    scale = (data.draw(st.integers(1, 60)), data.draw(st.integers(1, 60)))
    plan = layout(original, Sliding(scale=scale, window=window, stride=stride))
    windows = np.random.default_rng(seed).standard_normal((len(plan.boxes), classes, *window), np.float32)
    labels, lead = plainly(plan, list(windows))
    mine = merger(plan, list(windows))
    assert mine.dtype == np.uint8
    assert np.array_equal(mine[lead > 1e-4], labels[lead > 1e-4])


def test_taps_are_torchs():
    torch = pytest.importorskip("torch")
    for source, target in ((512, 512), (512, 364), (703, 500), (5, 17), (17, 5), (1, 4), (4, 1)):
        row = np.random.default_rng(1).standard_normal(source).astype(np.float32)
        lower, upper, weight = taps(source, target)
        want = torch.nn.functional.interpolate(
            torch.from_numpy(row)[None, None, None], (1, target), mode="bilinear", align_corners=False
        )
        np.testing.assert_allclose(
            (1 - weight) * row[lower] + weight * row[upper], want[0, 0, 0].numpy(), rtol=0, atol=2e-6
        )


def test_equal_scores_go_to_the_lowest_class(merger):
    plan = layout((4, 4), Sliding(scale=(4, 4), window=(4, 4), stride=(4, 4)))
    assert np.all(merger(plan, [np.zeros((1, 3, 4, 4), np.float32)]) == 0)


def test_windows_of_other_types_and_strides_are_understood(merger):
    plan = layout((4, 6), Sliding(scale=(6, 4), window=(4, 4), stride=(2, 2)))
    scores = np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(np.float16)
    plain = merger(plan, list(scores.astype(np.float32)))
    assert np.array_equal(merger(plan, list(scores)), plain)
    strided = scores.astype(np.float32).transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    assert np.array_equal(merger(plan, list(strided)), plain)


def test_nan_is_an_error_and_not_a_label_map(merger):
    plan = layout((4, 4), Sliding(scale=(4, 4), window=(4, 4), stride=(4, 4)))
    scores = np.zeros((1, 3, 4, 4), np.float32)
    scores[0, 1, 3, 3] = np.nan
    with pytest.raises(HarnessError, match="NaN"):
        merger(plan, [scores])
    plan = layout((4, 6), Sliding(scale=(6, 4), window=(4, 4), stride=(2, 2)))
    with pytest.raises(HarnessError, match="NaN"):
        merger(plan, [np.zeros_like(scores), scores])


@pytest.mark.parametrize("shape", [(1, 3, 3, 4), (2, 3, 4, 4), (3, 4), (1, 300, 4, 4)])
def test_outputs_that_cannot_be_windows_are_refused_with_their_shape(merger, shape):
    plan = layout((4, 4), Sliding(scale=(4, 4), window=(4, 4), stride=(4, 4)))
    with pytest.raises(HarnessError, match=str(shape[0])):
        merger(plan, [np.zeros(shape, np.float32)])


def test_a_missing_window_is_refused(merger):
    plan = layout((4, 6), Sliding(scale=(6, 4), window=(4, 4), stride=(2, 2)))
    with pytest.raises(HarnessError, match="1 window outputs came back, expected 2"):
        merger(plan, [np.zeros((1, 3, 4, 4), np.float32)])

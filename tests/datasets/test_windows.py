"""Window geometry: mmsegmentation's coordinates and the seed's names, counted from sizes alone."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.windows import Sliding, count_windows, layout, read_sizes, window_boxes, window_names
from harness.errors import ConfigError


def test_the_validation_set_makes_3686_windows_without_an_image_being_opened(shared):
    sizes = read_sizes(shared / "real/ade20k_validation_sizes.csv")
    assert len(sizes) == 2000
    assert count_windows(sizes, Sliding()) == 3686


def test_names_and_coordinates_are_those_of_the_seed(shared):
    golden = json.loads((shared / "golden/seg_windows.json").read_text())
    for stem, want in golden.items():
        plan = layout(tuple(want["ori_shape"][:2]), Sliding())
        assert list(plan.resized) == want["resized"]
        assert [list(box) for box in plan.boxes] == [window["window"] for window in want["windows"]]
        assert list(window_names(stem, plan)) == [window["name"] for window in want["windows"]]


def test_a_known_name():
    plan = layout((364, 500), Sliding())
    assert window_names("ADE_val_00000002", plan)[1] == "ADE_val_00000002-191,0,703,512-364,500,3-1,512,703.bin"


def test_windows_go_row_by_row_and_the_last_ones_end_at_the_edge():
    sliding = Sliding(window=(4, 4), stride=(3, 3))
    assert window_boxes((5, 8), sliding) == (
        (0, 0, 4, 4), (3, 0, 7, 4), (4, 0, 8, 4), (0, 1, 4, 5), (3, 1, 7, 5), (4, 1, 8, 5),
    )  # fmt: skip


def test_an_image_smaller_than_the_window_makes_one_window_of_its_own_size():
    assert window_boxes((3, 2), Sliding(window=(4, 4), stride=(3, 3))) == ((0, 0, 2, 3),)


def test_a_dot_in_the_stem_cannot_cut_the_name_of_the_output():
    name = window_names("a.b", layout((512, 512), Sliding()))[0]
    assert name.split(".")[0] == "a_b-0,0,512,512-512,512,3-1,512,512"


@pytest.mark.parametrize(("key", "value"), [("window", (0, 4)), ("stride", (4, -1)), ("stride", (513, 384))])
def test_impossible_settings_are_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=f"{key}="):
        Sliding(**{key: value})


edges = st.tuples(st.integers(1, 90), st.integers(1, 90))


@given(edges, edges, st.data())
def test_every_pixel_is_covered_by_windows_of_one_size_that_never_repeat(size, window, data):
    stride = tuple(data.draw(st.integers(1, edge)) for edge in window)
    boxes = window_boxes(size, Sliding(window=window, stride=stride))
    covered = np.zeros(size, int)
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= size[1]
        assert 0 <= top < bottom <= size[0]
        assert (bottom - top, right - left) == (min(window[0], size[0]), min(window[1], size[1]))
        covered[top:bottom, left:right] += 1
    assert covered.min() > 0
    assert len(set(boxes)) == len(boxes)


@given(st.tuples(st.integers(8, 4000), st.integers(8, 4000)))
def test_the_resized_image_keeps_its_ratio_and_touches_a_bound(original):
    plan = layout(original, Sliding())
    long, short = max(plan.resized), min(plan.resized)
    assert long <= 2048
    assert short <= 512
    assert long == 2048 or short == 512
    assert abs(plan.resized[0] * original[1] - plan.resized[1] * original[0]) <= max(original)

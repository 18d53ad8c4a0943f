"""The procedural data set: reproducible, of several sizes, with every class in it."""

import hashlib

import numpy as np
import pytest

from harness.datasets.check import usable
from harness.datasets.pictures import WindowedPictures
from harness.datasets.shapes import SHAPES_CLASSES, SHAPES_SLIDING, Shapes, draw_scene
from harness.datasets.windows import Sliding, sliding_for
from harness.errors import ConfigError


def test_the_same_key_draws_the_same_scene_everywhere():
    picture, labels = draw_scene((0, 1, 0))
    assert picture.shape[:2] == labels.shape
    assert hashlib.sha256(labels.tobytes()).hexdigest()[:16] == "e0fe4a9cd59f5a6c"
    again = draw_scene((0, 1, 0))
    assert np.array_equal(picture, again[0])
    assert not np.array_equal(labels, draw_scene((0, 1, 1), labels.shape)[1])


def test_splits_and_seeds_share_no_scene():
    drawn = {
        hashlib.sha256(Shapes(3, split=split, seed=seed).picture(item).tobytes()).digest()
        for split in ("train", "validation")
        for seed in (0, 1)
        for item in Shapes(3, split=split, seed=seed).items
    }
    assert len(drawn) == 12


def test_every_class_and_unlabelled_pixels_occur_and_sizes_vary():
    source = Shapes(48)
    labels = [source.labels(item) for item in source.items]
    counts = sum(np.bincount(label.ravel(), minlength=9) for label in labels)
    assert np.all(counts / counts.sum() > 0.01)
    assert len(counts) == len(SHAPES_CLASSES) + 1
    assert len({label.shape for label in labels}) > 40


def test_windows_keep_the_official_proportions_at_any_size_of_the_model():
    assert sliding_for((512, 512)) == Sliding()
    assert sliding_for((128, 128)) == SHAPES_SLIDING


def test_most_pictures_make_overlapping_windows_of_the_model_s_size():
    data = WindowedPictures(Shapes(24), SHAPES_SLIDING)
    prepared = [data.load(item) for item in data.items]
    assert all(sample.shape == (3, 128, 128) for one in prepared for sample in one.samples)
    overlapping = [one for one in prepared if len(one.samples) > 1]
    assert len(overlapping) > 12
    assert all(data.outline(one.item).names == one.names for one in prepared)
    assert usable(data)[1] == ()


@pytest.mark.parametrize("wrong", [{"count": 0}, {"split": "test"}, {"limit": 0}])
def test_wrong_settings_are_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))}="):
        Shapes(**wrong)

"""Which frames and squares of a video are looked at: mmaction's, by numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.views import Sampling, crop_places, frame_indices, resized_size
from harness.errors import ConfigError


@pytest.mark.parametrize(("total", "starts"), [(280, [27, 81, 135, 189]), (300, [29, 88, 148, 207])])
def test_clips_begin_where_the_official_pipeline_begins_them(total, starts):
    indices = frame_indices(total, Sampling())
    assert indices.shape == (4, 32)
    assert indices[:, 0].tolist() == starts
    assert (np.diff(indices, axis=1) == 2).all()


def test_frames_are_the_golden_ones(shared):
    for golden in json.loads((shared / "golden" / "video_pipeline.json").read_text()).values():
        assert frame_indices(golden["total_frames"], Sampling()).reshape(-1).tolist() == golden["frame_inds"]
        assert list(resized_size(golden["original_shape"], 224)) == golden["resized"]


@given(st.integers(1, 400), st.integers(1, 40), st.integers(1, 5), st.integers(1, 12))
def test_every_frame_exists_in_videos_of_any_length(total, frames, interval, clips):
    indices = frame_indices(total, Sampling(frames, interval, clips))
    assert indices.shape == (clips, frames)
    assert indices.min() >= 0
    assert indices.max() < total
    if total > frames * interval:
        assert (np.diff(indices, axis=1) == interval).all()
        assert (np.diff(indices[:, 0]) >= 0).all()


def test_short_video_is_repeated():
    assert frame_indices(5, Sampling(4, 2, 1)).tolist() == [[0, 2, 4, 1]]


@pytest.mark.parametrize(
    ("size", "places"),
    [
        ((224, 298), ((0, 0), (0, 74), (0, 37))),
        ((298, 224), ((0, 0), (74, 0), (37, 0))),
        ((224, 225), ((0, 0), (0, 0), (0, 0))),
    ],
)
def test_crops_are_start_end_and_middle_of_the_longer_edge(size, places):
    assert crop_places(size, Sampling()) == places


def test_one_crop_is_the_middle():
    assert crop_places((224, 298), Sampling(crops=1)) == ((0, 37),)


@pytest.mark.parametrize("given", [{"frames": 0}, {"interval": 0}, {"crops": 2}])
def test_impossible_sampling_is_refused(given):
    with pytest.raises(ConfigError):
        Sampling(**given)

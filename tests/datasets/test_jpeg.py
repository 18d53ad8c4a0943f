"""The JPEG markers: sizes that OpenCV agrees with, and bytes that make no sense."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.jpeg import has_exif, jpeg_end, jpeg_size


@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]])
@pytest.mark.parametrize("size", [(1, 1), (17, 300), (260, 33)])
def test_size_and_end_of_what_opencv_writes(size, options):
    picture = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    data = cv2.imencode(".jpg", picture, options)[1].tobytes()
    assert jpeg_size(data) == size
    assert jpeg_end(data) == len(data) - 2
    assert not has_exif(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_to_an_answer(tail):
    for data in (tail, b"\xff\xd8" + tail, b"\xff\xd8\xff\xe0\x00\x02" + tail, b"\xff\xd8\xff\xda\x00\x02" + tail):
        size, end = jpeg_size(data), jpeg_end(data)
        assert size is None or min(size) > 0
        assert -1 <= end < len(data)
        assert has_exif(data) in {True, False}


def test_a_file_without_a_scan_has_no_end():
    assert jpeg_end(b"\xff\xd8\xff\xd9") == -1

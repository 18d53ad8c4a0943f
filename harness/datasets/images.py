"""Image files: reading them as OpenMMLab does, and finding the broken ones without OpenCV's forgiveness.

OpenCV fills what is missing of a truncated JPEG with grey and only prints a warning, so the file's own end mark is
looked for.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from harness.datasets.jpeg import JPEG_START, has_exif, jpeg_end, jpeg_size
from harness.datasets.protocol import SampleError

Pixels = npt.NDArray[np.uint8]

PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"


def read_bytes(path: Path) -> bytes:
    """A file's bytes; raises SampleError when it is missing, unreadable or empty."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SampleError(f"{path.name} cannot be read ({error.strerror})") from error
    if not data:
        raise SampleError(f"{path.name} is empty")
    return data


def decode(data: bytes, name: str, flag: int) -> Pixels:
    """Decode an image with OpenCV; raises SampleError when it is truncated or no image."""
    if (data.startswith(JPEG_START) and jpeg_end(data) < 0) or (
        data.startswith(PNG_START) and PNG_END not in data[-64:]
    ):
        raise SampleError(f"{name} is truncated after {len(data)} bytes")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise SampleError(f"{name} cannot be decoded ({error.err})") from error
    if pixels is None:
        raise SampleError(f"{name} cannot be decoded")
    return np.asarray(pixels)


def read_picture(path: Path) -> Pixels:
    """An image as uint8 (height, width, 3) in BGR order, turned as its EXIF says, as mmcv's ``imread`` gives it."""
    return decode(read_bytes(path), path.name, cv2.IMREAD_COLOR)


def read_labels(path: Path) -> Pixels:
    """An annotation as uint8 (height, width); raises SampleError when it has several channels or more than 8 bits."""
    labels = decode(read_bytes(path), path.name, cv2.IMREAD_UNCHANGED)
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise SampleError(f"{path.name} is {labels.dtype} of shape {labels.shape}, expected 8 bits and one channel")
    return labels


def picture_size(path: Path) -> tuple[int, int]:
    """The (height, width) that ``read_picture`` would give, from the header alone where that is certain.

    Raises SampleError when the file is missing, empty, truncated or no image.
    """
    data = read_bytes(path)
    if data.startswith(JPEG_START) and jpeg_end(data) >= 0 and not has_exif(data):
        size = jpeg_size(data)
        if size is not None:
            return size
    height, width = decode(data, path.name, cv2.IMREAD_COLOR).shape[:2]
    return height, width

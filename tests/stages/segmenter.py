"""A segmentation network that a test can afford: one convolution, as an ONNX file whose batch is open."""

from __future__ import annotations

from pathlib import Path

from onnx import helper

from tests.stages.networks import FLOAT, weights, write


def segmenter(path: Path, classes: int = 8, size: int = 64) -> Path:
    """Scores of ``classes`` for every pixel of windows of ``size``."""
    node = helper.make_node("Conv", ["picture", "w"], ["scores"], pads=[1, 1, 1, 1])
    return write(
        path,
        [node],
        {"picture": (FLOAT, ["N", 3, size, size])},
        {"scores": (FLOAT, ["N", classes, size, size])},
        {"w": weights(classes, 3, 3, 3)},
    )

"""Sliding windows over a resized image: geometry and file names, from sizes alone, without a pixel.

The arithmetic is mmsegmentation 0.30's (``EncoderDecoder.slide_inference``) and mmcv's (``rescale_size``); the names
are those of the seed's ``swin98_preprocess.py``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.config.model import PipelineSettings
from harness.errors import ConfigError

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the resized image; right and bottom are not included."""


@dataclass(frozen=True)
class Sliding:
    """How images become windows. Sizes in pixels as (height, width).

    ``scale`` bounds the resized image, long edge first: it becomes as large as fits, up or down, with its ratio kept.
    """

    scale: tuple[int, int] = (2048, 512)
    window: tuple[int, int] = (512, 512)
    stride: tuple[int, int] = (384, 384)

    def __post_init__(self) -> None:
        for name in ("scale", "window", "stride"):
            if min(getattr(self, name)) < 1:
                raise ConfigError(f"{name}={getattr(self, name)}: expected two sizes of at least 1 pixel")
        if self.stride[0] > self.window[0] or self.stride[1] > self.window[1]:
            raise ConfigError(
                f"stride={self.stride} is larger than window={self.window}: pixels between the windows would be lost"
            )


@dataclass(frozen=True)
class Layout:
    """Where the windows of one image lie. ``original`` and ``resized`` are (height, width)."""

    original: tuple[int, int]
    resized: tuple[int, int]
    boxes: tuple[Box, ...]


def sliding_for(window: tuple[int, int], pipeline: PipelineSettings | None = None) -> Sliding:
    """ADE20K's test pipeline for a network that takes ``window`` (height, width): short edge, stride and scale follow.

    512x512 gives the official 2048x512 with a stride of 384; any other size the same in proportion, and what the
    network's own ``pipeline`` says instead.
    """
    short = min(window)
    height, width = (max(size * 3 // 4, 1) for size in window)
    scale = (pipeline.scale if pipeline else None) or (4 * short, short)
    return Sliding(scale=scale, window=window, stride=(pipeline.stride if pipeline else None) or (height, width))


def resized_size(original: tuple[int, int], scale: tuple[int, int]) -> tuple[int, int]:
    """The (height, width) of an image of ``original`` (height, width) after the keep-ratio resize to ``scale``."""
    factor = min(max(scale) / max(original), min(scale) / min(original))
    height, width = (int(size * factor + 0.5) for size in original)
    return max(height, 1), max(width, 1)


def window_boxes(size: tuple[int, int], sliding: Sliding) -> tuple[Box, ...]:
    """The windows over an image of ``size`` (height, width), row by row.

    The last window of a row or column is moved back so that it ends at the edge; in an image smaller than the window
    there is one, as large as the image. Every pixel is covered.
    """
    spans = []
    for length, window, stride in zip(size, sliding.window, sliding.stride, strict=True):
        steps = max(length - window + stride - 1, 0) // stride + 1
        ends = (min(step * stride + window, length) for step in range(steps))
        spans.append([(max(end - window, 0), end) for end in ends])
    rows, columns = spans
    return tuple((left, top, right, bottom) for top, bottom in rows for left, right in columns)


def layout(original: tuple[int, int], sliding: Sliding) -> Layout:
    """The layout of an image of ``original`` (height, width)."""
    resized = resized_size(original, sliding.scale)
    return Layout(original, resized, window_boxes(resized, sliding))


def window_names(stem: str, plan: Layout) -> tuple[str, ...]:
    """File names of the windows, ``stem-x1,y1,x2,y2-h,w,c-b,h,w.bin``: box, original shape, resized batch and size.

    ais_bench cuts a file's name at its first dot to name the output, so dots in ``stem`` become underscores.
    """
    (height, width), (resized_height, resized_width) = plan.original, plan.resized
    tail = f"{height},{width},3-1,{resized_height},{resized_width}.bin"
    stem = stem.replace(".", "_")
    return tuple(f"{stem}-{','.join(map(str, box))}-{tail}" for box in plan.boxes)


def read_sizes(path: Path) -> list[tuple[int, int]]:
    """The (height, width) of every image from a CSV with the columns ``stem``, ``width``, ``height``."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [(int(row["height"]), int(row["width"])) for row in csv.DictReader(stream)]


def count_windows(sizes: Iterable[tuple[int, int]], sliding: Sliding) -> int:
    """How many windows images of these (height, width) make."""
    return sum(len(layout(size, sliding).boxes) for size in sizes)

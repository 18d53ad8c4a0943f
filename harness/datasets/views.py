"""Which frames and which squares of a video a network sees: sizes and counts alone, without a pixel.

The arithmetic is that of mmaction 0.24's test pipeline: ``SampleFrames`` in test mode, ``Resize`` to a short edge, and
``ThreeCrop``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.errors import ConfigError

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True)
class Sampling:
    """How a video becomes views. The defaults are Video Swin's for Kinetics-400.

    ``clips`` of ``frames`` frames, every ``interval``-th one; of each clip ``crops`` (1 or 3) squares of ``size``
    pixels, cut out of frames whose ``short`` edge is that long (None: as long as the squares). The views of a video
    stand in the order (crop, clip).
    """

    frames: int = 32
    interval: int = 2
    clips: int = 4
    crops: int = 3
    size: int = 224
    short: int | None = None

    def __post_init__(self) -> None:
        if min(self.frames, self.interval, self.clips, self.size) < 1:
            raise ConfigError(f"{self}: expected sizes and counts of at least 1")
        if self.crops not in {1, 3}:
            raise ConfigError(f"crops={self.crops}: expected 1 (the middle) or 3 (both ends and the middle)")

    @property
    def views(self) -> int:
        """Views of one video."""
        return self.clips * self.crops


def frame_indices(total: int, sampling: Sampling) -> npt.NDArray[np.int64]:
    """The frames of each clip, int64 (clips, frames), of a video with ``total`` frames.

    The clips are spread evenly over the video, each in the middle of its part. A video shorter than a clip is repeated.
    """
    spread = total - sampling.frames * sampling.interval + 1
    starts = np.zeros(sampling.clips, np.int64)
    if spread > 0:
        step = spread / sampling.clips
        starts = (np.arange(sampling.clips) * step + step / 2).astype(np.int64)
    indices: npt.NDArray[np.int64] = starts[:, None] + np.arange(sampling.frames) * sampling.interval
    return indices % total


def resized_size(original: Size, short: int) -> Size:
    """The (height, width) after resizing so that the shorter edge has ``short`` pixels, the ratio kept."""
    factor = short / min(original)
    return int(original[0] * factor + 0.5), int(original[1] * factor + 0.5)


def crop_places(size: Size, sampling: Sampling) -> tuple[tuple[int, int], ...]:
    """Top and left of each crop in a resized frame: start, end and middle of the longer edge, or the middle alone."""
    height, width = size
    if sampling.crops == 1:
        return (((height - sampling.size) // 2, (width - sampling.size) // 2),)
    down, right = (height - sampling.size) // 2, (width - sampling.size) // 2
    return ((0, 0), (2 * down, 2 * right), (down, right))

"""Video data sets: a source of videos, seen through the views of the official test pipeline."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from harness.datasets.buffers import Buffers
from harness.datasets.images import Pixels
from harness.datasets.normalise import Normalisation, lookup_tables, normalise
from harness.datasets.protocol import Item, Prepared, Prepares, SampleError, Source
from harness.datasets.video_files import Media, count_frames, read_frames
from harness.datasets.views import Sampling, crop_places, frame_indices, resized_size

Views = npt.NDArray[np.float32]

KEPT = 3
"""Unused buffers that a data set keeps: what is prepared ahead, and what is inferred meanwhile."""


class VideoSource(Source, Protocol):
    """Where videos and their classes come from."""

    @property
    def interval(self) -> int:
        """Every which frame of a clip is looked at."""

    def media(self, item: Item) -> Media:
        """The video."""

    def label(self, item: Item) -> int:
        """The index of its class."""


class ViewedVideos(Prepares[VideoSource]):
    """A video data set: all views of a video are one sample, float32 (views, 3, frames, size, size), RGB."""

    def __init__(
        self, source: VideoSource, sampling: Sampling | None = None, normalisation: Normalisation | None = None
    ) -> None:
        super().__init__(source)
        self.sampling = sampling or Sampling()
        self._tables = lookup_tables(normalisation or Normalisation())
        self._buffers = Buffers(views_shape(self.sampling), keep=KEPT)

    def load(self, item: Item) -> Prepared:
        """Decode one video and prepare its views."""
        try:
            views = prepare_views(self.source.media(item), self.sampling, self._tables, self._buffers.take())
        except SampleError as error:
            raise SampleError(f"{item.id} {error}") from error
        return Prepared(item, _names(item), (views,), self.source.label(item), None)

    def outline(self, item: Item) -> Prepared:
        """The name of its file and its class."""
        return Prepared(item, _names(item), (), self.source.label(item), None)


def views_shape(sampling: Sampling) -> tuple[int, ...]:
    """(views, 3, frames, size, size)."""
    return sampling.views, 3, sampling.frames, sampling.size, sampling.size


def prepare_views(media: Media, sampling: Sampling, tables: npt.NDArray[np.float32], out: Views | None = None) -> Views:
    """All views of a video, normalised: float32 (views, 3, frames, size, size), views in the order (crop, clip).

    Each frame that any clip needs is decoded, resized and converted once. ``out``, of that shape, is filled where it is
    given. Raises SampleError.
    """
    total = count_frames(media)
    if total < 1:
        raise SampleError("has no frames")
    indices = frame_indices(total, sampling)
    out = np.empty(views_shape(sampling), np.float32) if out is None else out
    views = out.reshape(sampling.crops, sampling.clips, *out.shape[1:])
    first: tuple[int, ...] | None = None
    for number, frame in read_frames(media, frozenset(indices.reshape(-1).tolist())):
        first = first or frame.shape
        if frame.shape != first:
            raise SampleError(f"changes its size from {_size(first)} to {_size(frame.shape)} at frame {number}")
        uses = np.argwhere(indices == number)
        for crop, planes in enumerate(_crops(frame, sampling)):
            clip, place = uses[0]
            target = views[crop, clip, :, place]
            normalise(planes, tables, target)
            for clip, place in uses[1:]:
                views[crop, clip, :, place] = target
    return out


def _crops(frame: Pixels, sampling: Sampling) -> list[list[Pixels]]:
    """The red, green and blue plane of each crop of a frame."""
    height, width = resized_size((frame.shape[0], frame.shape[1]), sampling.short or sampling.size)
    planes = cv2.split(cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR))
    size = sampling.size
    return [
        [np.asarray(plane[top : top + size, left : left + size], np.uint8) for plane in planes]
        for top, left in crop_places((height, width), sampling)
    ]


def _names(item: Item) -> tuple[str, ...]:
    """``1.bin``, ``2.bin``, ...: what the seed's script calls the files."""
    return (f"{item.index + 1}.bin",)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"

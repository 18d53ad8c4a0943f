"""Video files through PyAV: how many frames they have, what is wrong with them, and the frames that are asked for.

One thread decodes one video: several are decoded side by side. What FFmpeg says of a broken file is kept off the
terminal, and comes with the error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av
import av.logging

from harness.datasets.images import Pixels
from harness.datasets.protocol import SampleError

av.logging.set_level(None)

Media = Path | BinaryIO
"""A video file, or one in memory."""


@dataclass(frozen=True)
class VideoFacts:
    """What was found out about a video without decoding it all; ``problem`` says why it cannot be used."""

    frames: int
    problem: str | None = None


def examine(media: Media) -> VideoFacts:
    """Count the frames and decode the first; a video that is empty, unreadable or cut off comes with its problem."""
    if isinstance(media, Path):
        try:
            size_bytes = media.stat().st_size
        except OSError as error:
            return VideoFacts(0, f"cannot be read ({error.strerror})")
        if size_bytes == 0:
            return VideoFacts(0, "is empty (0 bytes)")
    try:
        with opened(media) as (container, stream):
            declared = int(stream.frames)
            found = sum(1 for packet in container.demux(stream) if packet.size)
            if found < declared:
                return VideoFacts(found, f"is cut off: it holds {found} of {declared} frames")
        with opened(media) as (container, stream):
            if next(container.decode(stream), None) is None:
                return VideoFacts(0, "has no frame that can be decoded")
    except SampleError as error:
        return VideoFacts(0, str(error))
    except av.error.FFmpegError as error:
        return VideoFacts(0, f"cannot be decoded ({said(error)})")
    return VideoFacts(found)


def count_frames(media: Media) -> int:
    """How many frames the container says that it holds, else how many packets there are.

    Raises:
        SampleError: it is no video.
    """
    with opened(media) as (container, stream):
        return int(stream.frames) or sum(1 for packet in container.demux(stream) if packet.size)


def read_frames(media: Media, wanted: Collection[int]) -> Iterator[tuple[int, Pixels]]:
    """The wanted frames by their number from 0, in order: uint8 (height, width, 3), RGB. Later ones are not decoded.

    Raises:
        SampleError: the video breaks off before the last of them, or cannot be decoded.
    """
    last, number = max(wanted), -1
    needed = frozenset(wanted)
    try:
        with opened(media) as (container, stream):
            for number, frame in enumerate(container.decode(stream)):
                if number in needed:
                    yield number, frame.to_ndarray(format="rgb24")
                if number == last:
                    return
    except av.error.FFmpegError as error:
        raise SampleError(f"cannot be decoded behind frame {number} ({said(error)})") from error
    raise SampleError(f"breaks off after {number + 1} frames, frame {last} is needed")


@contextmanager
def opened(media: Media) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream, decoding in the calling thread. Raises SampleError for no video."""
    if not isinstance(media, Path):
        media.seek(0)
    try:
        container = av.open(str(media) if isinstance(media, Path) else media)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise SampleError(f"cannot be opened as a video ({said(error)})") from error
    with container:
        if not container.streams.video:
            raise SampleError("holds no video stream")
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        yield container, stream


def said(error: Exception) -> str:
    """What FFmpeg or the system says, on one line and without the file's path."""
    return str(getattr(error, "strerror", None) or error).splitlines()[0]

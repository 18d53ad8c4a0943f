"""Generated videos, labelled by what a shape in them does, so that video networks can be evaluated without a download.

Shape, colour, size, place and ground vary within every class, and no single frame tells the class: a network has to
look at several. Each video is encoded as MPEG-4 in memory when it is asked for, so that it is read as any other.
"""

from __future__ import annotations

import hashlib
import io
import math
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import cv2
import numpy as np
import numpy.typing as npt

from harness.config.schema import DatasetSettings
from harness.datasets.images import Pixels
from harness.datasets.protocol import Item
from harness.datasets.registry import MotionsOptions
from harness.datasets.subset import limited
from harness.errors import ConfigError

MOTIONS_CLASSES = ("left", "right", "up", "down", "clockwise", "anticlockwise", "growing", "shrinking")
MOTIONS_VERSION = 1
FRAMES, HEIGHT, WIDTH = 48, 96, 128
_SPLITS = ("train", "validation")
_SHIFT = 4
"""Bits behind the point of the coordinates that OpenCV draws at."""


class Motions:
    """``count`` videos of a split; each follows from seed, split and index alone, and no two splits share one."""

    name = "motions"
    class_names = MOTIONS_CLASSES

    def __init__(
        self,
        count: int = 64,
        *,
        split: str = "validation",
        seed: int = 0,
        limit: int | None = None,
        interval: int = 2,
    ) -> None:
        """Raises ConfigError when ``count`` is below 1 or there is no such split."""
        if count < 1:
            raise ConfigError(f"dataset.count={count}: expected at least 1 video")
        if split not in _SPLITS:
            raise ConfigError(f"dataset.split={split}: expected one of {', '.join(_SPLITS)}")
        self._split, self._seed, self.interval = _SPLITS.index(split), seed, interval
        self.items = limited([Item(f"motions_{split}_{index:05d}", index) for index in range(count)], limit, seed)

    def label(self, item: Item) -> int:
        """The index of its class: every class as often as the others."""
        return item.index % len(MOTIONS_CLASSES)

    def media(self, item: Item) -> BinaryIO:
        """The video, encoded."""
        return encode(self.frames(item))

    def frames(self, item: Item) -> npt.NDArray[np.uint8]:
        """The video as it is drawn, uint8 (frames, height, width, 3), RGB."""
        return draw_video((self._seed, self._split, item.index), self.label(item))

    def problem(self, item: Item) -> str | None:
        """None: nothing can be wrong with a video that is drawn when it is asked for."""
        del item
        return None

    def fingerprint(self) -> str:
        """SHA-256 of the code that draws and of what it is asked to draw."""
        asked = repr((self._seed, self._split, [item.index for item in self.items]))
        return hashlib.sha256(Path(__file__).read_bytes() + asked.encode()).hexdigest()


def opened(settings: DatasetSettings, options: MotionsOptions) -> Motions:
    """The data set that the settings describe; raises ConfigError as the class does."""
    return Motions(
        options.count, split=settings.split, seed=settings.seed, limit=settings.limit, interval=options.interval
    )


def draw_video(key: tuple[int, ...], label: int) -> npt.NDArray[np.uint8]:
    """Draw the video of a class that belongs to a key of integers, uint8 (48, 96, 128, 3), RGB.

    One shape turns, moves (and comes back on the other side) or changes its size before a ground that stands still.
    """
    random = np.random.RandomState(key)
    coarse = np.clip(random.randint(60, 196, 3) + random.randint(-30, 31, (6, 8, 3)), 0, 255).astype(np.uint8)
    ground = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    colour = [int(255 * (value > 128)) for value in 255 - ground.mean((0, 1))]
    colour[random.randint(3)] ^= 255
    outline = _outline(random)
    radius, turn = random.uniform(14, 24), random.uniform(0, 2 * math.pi)
    row, column = random.uniform(0.3, 0.7) * HEIGHT, random.uniform(0.3, 0.7) * WIDTH
    pace, phase = random.uniform(1.6, 3.2), random.randint(0, 24)
    video = np.empty((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    for number in range(FRAMES):
        steps, moved, turned, scale = number * pace, (0.0, 0.0), turn, 1.0
        name = MOTIONS_CLASSES[label]
        if name in {"left", "right", "up", "down"}:
            moved = {"left": (0, -steps), "right": (0, steps), "up": (-steps, 0), "down": (steps, 0)}[name]
        elif name in {"clockwise", "anticlockwise"}:
            turned = turn + steps * 0.06 * (1 if name == "clockwise" else -1)
        else:
            share = (number + phase) % 24 / 23
            scale = 0.5 + 1.1 * (share if name == "growing" else 1 - share)
        video[number] = _with_shape(
            ground, outline * radius * scale, turned, (row + moved[0], column + moved[1]), colour
        )
    noise = random.normal(0, 4, (1, HEIGHT, WIDTH, 3))
    return np.clip(video + noise, 0, 255).astype(np.uint8)


def encode(frames: npt.NDArray[np.uint8]) -> BinaryIO:
    """RGB frames as an MPEG-4 video in memory, 25 a second."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        stream.codec_context.bit_rate = 2_000_000
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    target.seek(0)
    return target


def _outline(random: np.random.RandomState) -> npt.NDArray[np.float64]:
    """The corners of a shape that looks different after every turn but a whole one, float64 (corners, 2), radius 1."""
    corners = int(random.randint(3, 6))
    angles = np.arange(corners) * 2 * math.pi / corners
    reach = np.ones(corners)
    reach[0], reach[1] = 1.5, random.uniform(0.5, 0.8)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]


def _with_shape(
    ground: Pixels, outline: npt.NDArray[np.float64], turn: float, place: tuple[float, float], colour: list[int]
) -> Pixels:
    """The ground with the shape on it, whose part beyond an edge is at the opposite one."""
    cosine, sine = math.cos(turn), math.sin(turn)
    turned = outline @ np.array([[cosine, sine], [-sine, cosine]])
    picture: Pixels = ground.copy()
    for down in (-HEIGHT, 0, HEIGHT):
        for right in (-WIDTH, 0, WIDTH):
            corners = turned + np.array([place[1] % WIDTH + right, place[0] % HEIGHT + down])
            points = np.rint(corners * 2**_SHIFT).astype(np.int32)
            cv2.fillPoly(picture, [points], colour, cv2.LINE_AA, _SHIFT)
    return picture

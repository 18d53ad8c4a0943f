"""Generated videos, labelled by how the camera moves, so that video networks can be evaluated without a download.

Scene, pace and start vary within every class, and no single frame tells the class: a network has to look at several.
Each video is encoded as MPEG-4 in memory when it is asked for, so that it is read as any other. The validation split is
noisy and partly slower than the training split, so that a small network errs, and what precision costs can be seen.
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

MOTIONS_CLASSES = ("left", "right", "up", "down", "clockwise", "anticlockwise", "closer", "farther")
"""Where everything in the picture moves."""
MOTIONS_VERSION = 1
FRAMES, HEIGHT, WIDTH = 48, 96, 128
SIDE = 256
PACES = ((2.4, 4.8), (1.0, 4.8))
"""By split: pixels that the picture moves a frame."""
NOISE = (0, 30)
"""By split: standard deviation of the noise in grey levels."""
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
        return draw_video((self._seed, self._split, item.index), self.label(item), self._split)

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


def draw_video(key: tuple[int, ...], label: int, split: int) -> npt.NDArray[np.uint8]:
    """Draw the video of a class that belongs to a key of integers, uint8 (48, 96, 128, 3), RGB, for a split (0: train).

    A scene of polygons moves, turns, or comes closer as a whole; what leaves it on one side returns on the other.
    """
    random = np.random.RandomState(key)
    scene = _scene(random)
    turn, pace = random.uniform(0, 2 * math.pi), random.uniform(*PACES[split])
    name = MOTIONS_CLASSES[label]
    towards = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}.get(name, (0, 0))
    turning = {"clockwise": 0.03, "anticlockwise": -0.03}.get(name, 0.0)
    nearing = {"closer": 0.008, "farther": -0.008}.get(name, 0.0)
    video = np.empty((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    for number in range(FRAMES):
        steps = (number - FRAMES / 2) * pace
        angle, scale = turn - turning * steps, math.exp(-nearing * steps)
        back = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        middle = np.array([WIDTH / 2, HEIGHT / 2]) + steps * np.array(towards)
        matrix = np.column_stack([back, SIDE / 2 - back @ middle])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(scene, matrix, (WIDTH, HEIGHT), video[number], flags, cv2.BORDER_WRAP)
    return _noisy(random, video, NOISE[split]) if NOISE[split] else video


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


def _noisy(random: np.random.RandomState, video: npt.NDArray[np.uint8], noise: float) -> npt.NDArray[np.uint8]:
    """The video under noise that differs from frame to frame: cuts at random places of one field."""
    field = random.normal(0, noise, (HEIGHT + 32, WIDTH + 32, 1)).astype(np.int16).repeat(3, axis=2)
    for frame in video:
        down, right = random.randint(0, 33, 2)
        cv2.add(frame, field[down : down + HEIGHT, right : right + WIDTH], dst=frame, dtype=cv2.CV_8U)
    return video


def _scene(random: np.random.RandomState) -> Pixels:
    """A soft ground under 40 polygons of any colour, uint8 (256, 256, 3)."""
    coarse = random.randint(60, 196, (6, 6, 3)).astype(np.uint8)
    scene = np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    for _ in range(40):
        corners = int(random.randint(3, 7))
        angles = np.sort(random.uniform(0, 2 * math.pi, corners))
        reach = random.uniform(8, 26) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        points = np.rint((random.uniform(0, SIDE, 2) + reach) * 2**_SHIFT).astype(np.int32)
        cv2.fillPoly(scene, [points], random.uniform(0, 255, 3), cv2.LINE_AA, _SHIFT)
    return scene

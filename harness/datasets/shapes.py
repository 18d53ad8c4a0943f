"""A procedural segmentation data set: shapes before textured grounds, drawn from a seed, so that it needs no download.

Colours and brightness vary within every class, so a network has to look at texture and outline. Sizes vary as
ADE20K's do, a quarter of it large, so that most pictures make overlapping windows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.config.schema import DatasetSettings
from harness.datasets.images import Pixels
from harness.datasets.protocol import Item
from harness.datasets.registry import ShapesOptions
from harness.datasets.subset import limited
from harness.datasets.windows import Sliding
from harness.errors import ConfigError

SHAPES_CLASSES = ("sky", "grass", "water", "brick", "disc", "square", "triangle", "ring")
SHAPES_SLIDING = Sliding(scale=(512, 128), window=(128, 128), stride=(96, 96))
"""The windows that the data set is meant for: those of ADE20K at a quarter of the size."""
SHAPES_VERSION = 1
"""To be raised with every change of what is drawn: a score and a checkpoint belong to one version."""

Field = npt.NDArray[np.float64]
Scene = tuple[Pixels, Pixels]
"""A picture, uint8 (height, width, 3) BGR, and its labels, uint8 (height, width): 0 ignored, n is class n - 1."""

_SPLITS = ("train", "validation")


class Shapes:
    """``count`` scenes of a split; a scene follows from seed, split and index alone, and no two splits share one."""

    name = "shapes"
    class_names = SHAPES_CLASSES

    def __init__(self, count: int = 48, *, split: str = "validation", seed: int = 0, limit: int | None = None) -> None:
        """Raises ConfigError when ``count`` is below 1 or there is no such split."""
        if count < 1:
            raise ConfigError(f"dataset.options.count={count}: expected at least 1 picture")
        if split not in _SPLITS:
            raise ConfigError(f"dataset.split={split}: expected one of {', '.join(_SPLITS)}")
        self._split, self._seed = _SPLITS.index(split), seed
        self.items = limited([Item(f"shapes_{split}_{index:05d}", index) for index in range(count)], limit, seed)

    def read(self, item: Item) -> Scene:
        """The picture and its annotation."""
        return draw_scene((self._seed, self._split, item.index))

    def picture(self, item: Item) -> Pixels:
        """The picture, uint8 (height, width, 3), BGR."""
        return self.read(item)[0]

    def labels(self, item: Item) -> Pixels:
        """The annotation, uint8 (height, width)."""
        return self.read(item)[1]

    def fingerprint(self) -> str:
        """SHA-256 of the code that draws and of what it is asked to draw."""
        asked = repr((self._seed, self._split, [item.index for item in self.items]))
        return hashlib.sha256(Path(__file__).read_bytes() + asked.encode()).hexdigest()

    def problem(self, item: Item) -> str | None:
        """None: nothing can be wrong with a scene that is drawn when it is asked for."""
        del item
        return None


def opened(settings: DatasetSettings, options: ShapesOptions) -> Shapes:
    """The data set that the settings describe; raises ConfigError as the class does."""
    return Shapes(options.count, split=settings.split, seed=settings.seed, limit=settings.limit)


def draw_scene(key: tuple[int, ...], size: tuple[int, int] | None = None) -> Scene:
    """Draw the scene that belongs to a key of integers from 0 to 2**32 - 1, as large as ``size`` (height, width) says.

    Without a size the key decides that too: 72 to 176 pixels by up to 1.9 times as many, upright in one case of five.
    """
    # The legacy generator is the one whose numbers numpy promises never to change.
    random = np.random.RandomState(key)
    if size is None:
        short = int(random.randint(72, 177))
        long = int(short * random.uniform(1.0, 1.9))
        size = (long, short) if random.random_sample() < 0.2 else (short, long)
    rows, columns = (field.astype(np.float64) for field in np.mgrid[: size[0], : size[1]])
    picture, labels = _ground(random, rows, columns)
    for _ in range(random.randint(2, 6)):
        _place(random, rows, columns, picture, labels)
    picture += random.normal(0, 6, picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), labels


def _wave(phase: Field) -> Field:
    """A triangle wave of period 1 between -1 and 1: the same on every machine, which a sine is not."""
    return 4 * np.abs(phase - np.floor(phase + 0.5)) - 1


def _ground(random: np.random.RandomState, rows: Field, columns: Field) -> tuple[Field, Pixels]:
    """A sky over one of three textured grounds, with a slanted horizon."""
    height, width = rows.shape
    slope = random.uniform(-0.25, 0.25)
    above = rows - slope * (columns - width / 2) < height * random.uniform(0.25, 0.65)
    kind = int(random.randint(1, 4))
    sky = random.uniform(120, 230, 3) + (rows[..., None] / height - 0.5) * random.uniform(-60, 60, 3)
    ground = random.uniform(60, 190, 3) + _texture(random, kind, rows, columns)[..., None] * random.uniform(18, 40)
    picture = np.where(above[..., None], sky, ground)
    return picture, np.where(above, 1, kind + 1).astype(np.uint8)


def _texture(random: np.random.RandomState, kind: int, rows: Field, columns: Field) -> Field:
    """Grass: blades of noise; water: flat waves; brick: offset blocks in mortar. Values from about -1 to 1."""
    if kind == 1:
        blades = random.normal(0, 1, rows.shape)
        return (blades + np.roll(blades, 1, 0) + np.roll(blades, 2, 0)) / 2
    if kind == 2:
        return _wave(rows / random.uniform(5, 9) + 0.3 * _wave(columns / random.uniform(20, 40)))
    course, length = random.uniform(7, 11), random.uniform(14, 22)
    row = np.floor(rows / course)
    offset = columns / length + row % 2 / 2
    mortar = (rows / course - row < 0.22) | (offset - np.floor(offset) < 0.12)
    return np.where(mortar, 1.0, -0.4)


def _outline(kind: int, right: Field, down: Field) -> Field:
    """How far a point lies outside a shape of radius 1 around the origin: below 0 is inside."""
    distance = np.sqrt(right * right + down * down)
    outlines: dict[int, Callable[[], Field]] = {
        4: lambda: distance - 1,
        5: lambda: np.maximum(np.abs(right), np.abs(down)) - 0.86,
        6: lambda: np.maximum(down - 0.6, 1.732 * np.abs(right) - down - 1.2),
        7: lambda: np.abs(distance - 0.76) - 0.24,
    }
    return outlines[kind]()


def _surface(kind: int, right: Field, down: Field) -> Field:
    """Disc: brightest in the middle; square: checked; triangle: striped; ring: plain. Values from about -1 to 1."""
    surfaces: dict[int, Callable[[], Field]] = {
        4: lambda: 1 - 2 * (right * right + down * down),
        5: lambda: np.where((_wave(1.2 * right) < 0) == (_wave(1.2 * down) < 0), 1.0, -1.0),
        6: lambda: _wave(2 * down),
        7: lambda: np.zeros_like(right),
    }
    return surfaces[kind]()


def _place(random: np.random.RandomState, rows: Field, columns: Field, picture: Field, labels: Pixels) -> None:
    """Draw one shape of a random place, size, turn, colour and contrast; a rim of one pixel stays unlabelled."""
    height, width = rows.shape
    kind = int(random.randint(4, 8))
    radius = min(height, width) * random.uniform(0.12, 0.26)
    turn = random.uniform(0, 2 * math.pi)
    down = (rows - random.uniform(0, height)) / radius
    right = (columns - random.uniform(0, width)) / radius
    cosine, sine = math.cos(turn), math.sin(turn)
    right, down = right * cosine - down * sine, right * sine + down * cosine
    outside = _outline(kind, right, down)
    inside = outside < 0
    painted = random.uniform(20, 235, 3) + _surface(kind, right, down)[..., None] * random.uniform(18, 40)
    picture[inside] = painted[inside]
    labels[inside] = kind + 1
    labels[np.abs(outside) * radius < 0.7] = 0

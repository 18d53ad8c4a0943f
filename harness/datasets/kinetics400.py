"""Kinetics-400 as a folder: ``val/<class>/<video>``, as the seed lays it out, with a label map and a checked list."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from harness.config.nearest import suggestion
from harness.config.schema import DatasetSettings
from harness.datasets.filelist import FileList, mark_of
from harness.datasets.kinetics400_classes import KINETICS400_CLASSES
from harness.datasets.protocol import Item
from harness.datasets.registry import Kinetics400Options
from harness.datasets.subset import limited
from harness.errors import ConfigError

SUFFIXES = frozenset({".mp4", ".mkv", ".webm", ".avi", ".mov"})
LABEL_MAPS = ("label_map_k400.txt", "annotations/label_map_k400.txt")
"""Where a label map is found below the root when none is named: one class a line, in the order of the scores."""


class Kinetics400:
    """The videos of one split, sorted by ``<class>/<video>``, which is an item's id."""

    name = "kinetics400"

    def __init__(
        self,
        root: Path,
        cache: Path,
        *,
        split: str = "val",
        limit: int | None = None,
        seed: int = 0,
        label_map: Path | None = None,
        min_frames: int = 32,
        interval: int = 2,
    ) -> None:
        """``root`` is kinetics400 or the folder above; ``cache`` keeps the list; ``limit`` takes a fixed subset.

        Raises ConfigError when the folders are missing, hold no video, or are called after no class.
        """
        if not (root / split).is_dir() and (root / self.name / split).is_dir():
            root /= self.name
        self._root, self._split, self._min_frames, self.interval = root, split, min_frames, interval
        folder = root / split
        if not folder.is_dir():
            raise ConfigError(
                f"dataset.root={root}: {folder} is not a folder; expected {split}/<class>/<video>.mp4 there"
            )
        self.class_names = _classes(root, label_map)
        labels = {_plain(name): index for index, name in enumerate(self.class_names)}
        paths = sorted(
            f"{below.name}/{file.name}"
            for below in folder.iterdir()
            if below.is_dir()
            for file in below.iterdir()
            if file.suffix.lower() in SUFFIXES
        )
        if not paths:
            raise ConfigError(f"dataset.root={root}: {folder} holds no <class>/<video>.mp4; unpack the videos there")
        for path in paths:
            below = path.partition("/")[0]
            if _plain(below) not in labels:
                nearest = suggestion(below, [name.replace(" ", "_") for name in self.class_names])
                raise ConfigError(f"dataset.root={root}: {split}/{below} is called after no class; {nearest}")
        self._labels = {path: labels[_plain(path.partition("/")[0])] for path in paths}
        self.items = limited([Item(path, index) for index, path in enumerate(paths)], limit, seed)
        self.list = FileList(folder, cache)
        self._unseen = {item.id for item in self.items}

    def media(self, item: Item) -> Path:
        """The file of a video."""
        return self._root / self._split / item.id

    def label(self, item: Item) -> int:
        """The index of its class, by the name of its folder."""
        return self._labels[item.id]

    def problem(self, item: Item) -> str | None:
        """Why a video cannot be used: empty, unreadable, cut off, too short. The list is saved behind the last item."""
        facts = self.list.facts(item.id)
        self._unseen.discard(item.id)
        if not self._unseen:
            self.list.keep(frozenset(self._labels))
        if facts.problem is None and facts.frames < self._min_frames:
            return (
                f"is too short: it has {facts.frames} frames, expected {self._min_frames} (dataset.options.min_frames)"
            )
        return facts.problem

    def fingerprint(self) -> str:
        """SHA-256 over names, sizes and times of change of the videos that take part, and the classes."""
        digest = hashlib.sha256(repr(self.class_names).encode())
        for item in self.items:
            digest.update(repr((item.id, mark_of(self.media(item)))).encode())
        return digest.hexdigest()


def opened(settings: DatasetSettings, options: Kinetics400Options) -> Kinetics400:
    """The data set that the settings describe; raises ConfigError as the class does."""
    from harness.models.pretrained import cache_dir

    if settings.root is None:
        raise ConfigError("dataset.root must be given: dataset.root=FOLDER")
    return Kinetics400(
        Path(settings.root).expanduser(),
        cache_dir() / "lists",
        split=settings.split,
        limit=settings.limit,
        seed=settings.seed,
        label_map=Path(options.label_map).expanduser() if options.label_map else None,
        min_frames=options.min_frames,
        interval=options.interval,
    )


def _classes(root: Path, label_map: Path | None) -> tuple[str, ...]:
    """The classes of the label map that is named, else of the root's own, else Kinetics-400's."""
    found = label_map or next((root / name for name in LABEL_MAPS if (root / name).is_file()), None)
    if found is None:
        return KINETICS400_CLASSES
    try:
        names = tuple(line.strip() for line in found.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"dataset.options.label_map={found}: cannot be read; give a text file, one class a line"
        ) from error
    twice = next((name for name in names if names.count(name) > 1), None)
    if not names or twice:
        why = f"names {twice} twice" if twice else "is empty"
        raise ConfigError(f"dataset.options.label_map={found}: {why}; give one class a line")
    return names


def _plain(name: str) -> str:
    """A class's or a folder's name without what differs between both: case, blanks, punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())

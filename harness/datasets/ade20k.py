"""ADE20K's scene parsing benchmark as a folder: ``images/validation/*.jpg`` beside ``annotations/validation/*.png``."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.config.schema import DatasetSettings
from harness.datasets.ade20k_classes import ADE20K_CLASSES
from harness.datasets.images import Pixels, picture_size, read_labels, read_picture
from harness.datasets.protocol import Item, SampleError
from harness.datasets.registry import NoOptions
from harness.datasets.subset import limited
from harness.errors import ConfigError

_FOLDER = "ADEChallengeData2016"


class Ade20k:
    """The pictures of one split, sorted by name; an item's id is its file's stem."""

    name = "ade20k"
    class_names = ADE20K_CLASSES

    def __init__(self, root: Path | str, *, split: str = "validation", limit: int | None = None, seed: int = 0) -> None:
        """``root`` is ADEChallengeData2016 or the folder it was unpacked into; ``limit`` takes a fixed subset.

        Raises ConfigError when the folders are missing or hold no picture.
        """
        root = Path(root)
        if not (root / "images").is_dir() and (root / _FOLDER / "images").is_dir():
            root /= _FOLDER
        self._pictures, self._annotations = root / "images" / split, root / "annotations" / split
        for folder in (self._pictures, self._annotations):
            if not folder.is_dir():
                raise ConfigError(
                    f"dataset.root={root}: {folder} is not a folder; expected images/{split}/*.jpg and "
                    f"annotations/{split}/*.png of {_FOLDER} there"
                )
        files = sorted(path for path in self._pictures.iterdir() if path.suffix.lower() in {".jpg", ".jpeg"})
        if not files:
            raise ConfigError(f"dataset.root={root}: {self._pictures} holds no *.jpg; unpack {_FOLDER}.zip there")
        self._files = {path.stem: path for path in files}
        self.items = limited([Item(stem, index) for index, stem in enumerate(self._files)], limit, seed)

    def read(self, item: Item) -> tuple[Pixels, Pixels]:
        """The picture and its annotation."""
        return self.picture(item), self.labels(item)

    def picture(self, item: Item) -> Pixels:
        """The picture, uint8 (height, width, 3), BGR."""
        return read_picture(self._files[item.id])

    def labels(self, item: Item) -> Pixels:
        """The annotation, uint8 (height, width): 0 is ignored, n is class n - 1."""
        return read_labels(self._annotations / f"{item.id}.png")

    def fingerprint(self) -> str:
        """SHA-256 over the pictures and annotations that take part: what a kept result belongs to."""
        digest = hashlib.sha256()
        for item in self.items:
            digest.update(item.id.encode() + b"\0")
            for file in (self._files[item.id], self._annotations / f"{item.id}.png"):
                content = file.read_bytes() if file.is_file() else b"absent"
                digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()

    def problem(self, item: Item) -> str | None:
        """Why a picture or its annotation cannot be used: missing, empty, truncated, two sizes, labels out of range."""
        try:
            size = picture_size(self._files[item.id])
            if not (self._annotations / f"{item.id}.png").exists():
                return (
                    f"no annotation: {item.id}.png is not in {self._annotations.parent.name}/{self._annotations.name}"
                )
            labels = self.labels(item)
        except SampleError as error:
            return str(error)
        if labels.shape != size:
            return f"annotation is {_size(labels.shape)}, the picture {_size(size)} pixels"
        highest = int(labels.max())
        if highest > len(self.class_names):
            return f"annotation holds the label {highest}, expected 0 to {len(self.class_names)}"
        return None


def opened(settings: DatasetSettings, options: NoOptions) -> Ade20k:
    """The data set that the settings describe; raises ConfigError as the class does."""
    del options
    if settings.root is None:
        raise ConfigError("dataset.root must be given: dataset.root=FOLDER")
    root = Path(settings.root).expanduser()
    return Ade20k(root, split=settings.split, limit=settings.limit, seed=settings.seed)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"

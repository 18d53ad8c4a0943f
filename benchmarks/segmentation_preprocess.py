"""How fast pictures become windows, and how much an evaluation adds to the time that its runtime takes.

    python benchmarks/segmentation_preprocess.py [root=PATH] [rounds=5] [images=60] [sleep_ms=60]

First: images a second of reading, resizing, normalising and windowing, this project's two workers against a plain
loop in one process (expected at least 1.5 times). Second: an evaluation whose runtime only sleeps, against the
sleeping (expected at most 5 % longer); its outputs are 150x512x512 as those of swin98, so that merging and counting
are part of it. Both are timed in turns and the medians of the ratios are shown. The first ``images`` pictures of
``root`` (ADE20K's folder) are taken, repeated where there are fewer; without it, pictures of ADE20K's sizes are made
up. Exits with 1 when a figure is not reached.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from harness.datasets.pictures import WindowedPictures
    from harness.datasets.protocol import Item

SIZES = ((512, 683), (512, 683), (256, 256), (512, 768), (683, 512), (480, 640), (300, 400), (375, 500), (364, 500))
"""(height, width), roughly as often as in ADE20K's validation set."""


def make_up(root: Path, count: int) -> None:
    """Pictures with ADE20K's sizes, layout and a photograph's compressibility: smooth fields under a little noise."""
    random = np.random.default_rng(0)
    folders = [root / kind / "validation" for kind in ("images", "annotations")]
    for folder in folders:
        folder.mkdir(parents=True)
    for number in range(count):
        height, width = SIZES[number % len(SIZES)]
        coarse = random.integers(0, 256, (height // 24, width // 24, 3), np.uint8)
        picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        picture = np.clip(picture + random.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
        labels = cv2.resize(
            random.integers(0, 151, (8, 10), np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
        )
        cv2.imwrite(str(folders[0] / f"made_up_{number:04d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        cv2.imwrite(str(folders[1] / f"made_up_{number:04d}.png"), labels)


def plain_loop(files: Sequence[Path]) -> int:
    """The official pipeline written down straightforwardly, one picture after the other; returns the windows made."""
    from harness.datasets.normalise import Normalisation
    from harness.datasets.windows import Sliding, layout

    normalisation = Normalisation()
    mean, std = (np.array(values, np.float32) for values in (normalisation.mean, normalisation.std))
    made = 0
    for file in files:
        picture = cv2.imread(str(file))
        plan = layout(picture.shape[:2], Sliding())
        resized = cv2.resize(picture, plan.resized[::-1], interpolation=cv2.INTER_LINEAR)
        values = (cv2.cvtColor(resized.astype(np.float32), cv2.COLOR_BGR2RGB) - mean) / std
        tensor = values.transpose(2, 0, 1)
        made += len(
            [np.ascontiguousarray(tensor[:, top:bottom, left:right]) for left, top, right, bottom in plan.boxes]
        )
    return made


def ahead_loop(data: WindowedPictures) -> int:
    """The same by this project's two workers; annotations are left out, since the plain loop reads none."""
    from harness.datasets.pictures import WindowedPictures
    from harness.evaluate.ahead import ahead

    source = data.source

    class Pictures:
        """The source without its annotations."""

        def __getattr__(self, name: str) -> Any:
            return getattr(source, name)

        def read(self, item: Item) -> tuple[Any, Any]:
            """The picture alone."""
            return source.picture(item), None

    pictures = WindowedPictures(Pictures(), data.sliding)
    return sum(
        len(ready.value.samples) for ready in ahead(pictures.load, data.items, workers=2, waiting=4) if ready.value
    )


class Sleeper:
    """A runtime that takes a fixed time for a window and returns scores that were made before."""

    def __init__(self, sleep_s: float) -> None:
        self.sleep_s, self.slept_s = sleep_s, 0.0
        self._scores = np.random.default_rng(0).standard_normal((1, 150, 512, 512), np.float32)

    def run(self, inputs: Mapping[str, Any]) -> Sequence[Any]:
        """Sleep; what comes in is not looked at."""
        del inputs
        start = time.perf_counter()
        time.sleep(self.sleep_s)
        self.slept_s += time.perf_counter() - start
        return [self._scores]


def throughput(data: WindowedPictures, rounds: int) -> float:
    """The median over the rounds of this project's images a second over the plain loop's."""
    files = [data.source._pictures / f"{item.id}.jpg" for item in data.items]  # noqa: SLF001
    ratios = []
    for _ in range(rounds):
        start = time.perf_counter()
        plain = plain_loop(files)
        between = time.perf_counter()
        assert ahead_loop(data) == plain
        end = time.perf_counter()
        ratios.append((between - start) / (end - between))
        rates = [len(files) / seconds for seconds in (between - start, end - between)]
        print(f"plain loop {rates[0]:6.1f} images/s, two workers {rates[1]:6.1f} images/s, {ratios[-1]:.2f} times")
    return statistics.median(ratios)


def overhead(data: WindowedPictures, rounds: int, sleep_s: float) -> float:
    """The median over the rounds of what the evaluation takes beyond the sleeping, as a share of the sleeping."""
    from harness.evaluate.accumulate import Settings
    from harness.evaluate.merge import WindowMerger
    from harness.evaluate.stream import evaluate
    from harness.evaluate.task import Model
    from harness.evaluate.tasks import segmentation

    shares = []
    with WindowMerger() as merge:
        task = segmentation(data.class_names, merge)
        evaluate(data, data.items[:2], [Model(Sleeper(0), "input", 1)], task, Settings())  # compiles
        for _ in range(rounds):
            sleeper = Sleeper(sleep_s)
            start = time.perf_counter()
            evaluate(data, data.items, [Model(sleeper, "input", 1)], task, Settings())
            took_s = time.perf_counter() - start
            shares.append(took_s / sleeper.slept_s - 1)
            print(f"evaluation {took_s:.2f} s, of which the runtime slept {sleeper.slept_s:.2f} s: {shares[-1]:+.1%}")
    return statistics.median(shares)


def repeat(root: Path, made: Path, count: int) -> None:
    """Link the pictures of a small folder again and again, until there are ``count``."""
    from harness.datasets.ade20k import Ade20k

    source = Ade20k(root)
    for kind, suffix in (("images", "jpg"), ("annotations", "png")):
        (made / kind / "validation").mkdir(parents=True)
        for number in range(count):
            stem = source.items[number % len(source.items)].id
            original = (source._pictures if kind == "images" else source._annotations) / f"{stem}.{suffix}"  # noqa: SLF001
            (made / kind / "validation" / f"{stem}_{number:04d}.{suffix}").symlink_to(original.resolve())


def main(options: Mapping[str, str]) -> int:
    """Run both parts; 0 when both figures are reached."""
    from harness.datasets.ade20k import Ade20k
    from harness.datasets.pictures import WindowedPictures

    rounds, images = int(options.get("rounds", "5")), int(options.get("images", "60"))
    with tempfile.TemporaryDirectory() as made:
        if "root" in options:
            repeat(Path(options["root"]), Path(made), images)
        else:
            make_up(Path(made), images)
        data = WindowedPictures(Ade20k(made))
        faster = throughput(data, rounds)
        longer = overhead(data, max(rounds // 2, 1), float(options.get("sleep_ms", "60")) / 1e3)
    print(f"preparing: {faster:.2f} times the plain loop (expected at least 1.5)")
    print(f"evaluating: {longer:+.1%} beyond the sleeping (expected at most +5 %)")
    return 0 if faster >= 1.5 and longer <= 0.05 else 1


if __name__ == "__main__":
    # The checkout instead of this folder, whose coverage.py would pass for the package that numba looks for.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    sys.exit(main(dict(argument.split("=", 1) for argument in sys.argv[1:])))

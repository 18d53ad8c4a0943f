"""How fast videos become views: `python benchmarks/video_preprocess.py [root=PATH] [rounds=9] [workers=2]`.

First, on one core: decoding and preparing a video (12 views of 32 frames, 224 pixels) against what PyAV alone takes to
decode all its frames to RGB (expected at most 1.5 times as long). Second: videos a second of two workers against one
(expected at least 1.7 times as many; where the machine is busy, 0.85 of what hashing gains by two threads meanwhile).
Each pair is timed in turns, in processor time where one core works and in wall time where two do; the medians of the
ratios are shown. ``root`` is searched for *.mp4; without it, videos of Kinetics' size and length are made up. Exits
with 1 when a figure is not reached.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

if TYPE_CHECKING:
    from harness.datasets.protocol import Item

REQUIRED, WORKERS_REQUIRED, SHARE_REQUIRED = 1.5, 1.7, 0.85


def make_up(folder: Path, count: int = 2) -> None:
    """Videos of 340 x 256 pixels and 300 frames: a photograph-like field that drifts, under a little noise."""
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = random.integers(0, 256, (30, 40, 3), np.uint8)
        field = cv2.resize(coarse, (680, 512), interpolation=cv2.INTER_CUBIC)
        with av.open(str(folder / f"made_up_{number}.mp4"), "w") as container:
            stream = container.add_stream("h264", rate=30)
            stream.width, stream.height, stream.pix_fmt = 340, 256, "yuv420p"
            for at in range(300):
                noise = random.integers(-6, 7, (256, 340, 3), np.int16)
                cut = field[at // 2 : at // 2 + 256, at : at + 340].astype(np.int16)
                frame = np.clip(cut + noise, 0, 255).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode(None))


def decode_all(file: Path) -> int:
    """What there is to beat: every frame to RGB by PyAV, one thread; returns how many there were."""
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        return sum(len(frame.to_ndarray(format="rgb24")) > 0 for frame in container.decode(stream))


class Files:
    """A source of videos that are given; they have no classes."""

    name = "files"
    class_names = ("any",)
    interval = 2

    def __init__(self, files: Sequence[Path]) -> None:
        from harness.datasets.protocol import Item

        self._files = list(files)
        self.items = [Item(file.name, number) for number, file in enumerate(self._files)]

    def media(self, item: Item) -> Path:
        """The file."""
        return self._files[item.index]

    def label(self, item: Item) -> int:
        """The only class."""
        del item
        return 0


def alternate(
    first: Callable[[], object], second: Callable[[], object], rounds: int, clock: Callable[[], float]
) -> list[float]:
    """The ratios second / first of the time that both take, in turns, the order swapped every round."""
    ratios = []
    for number in range(rounds):
        took = [0.0, 0.0]
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            start = clock()
            (first, second)[which]()
            took[which] = clock() - start
        ratios.append(took[1] / took[0])
    return ratios


def against_decoding(files: Sequence[Path], rounds: int) -> float:
    """The median over all files of the time for the views over the time for decoding alone."""
    from harness.datasets.videos import ViewedVideos

    data = ViewedVideos(Files(files))
    ratios = []
    for item, file in zip(data.items, files, strict=True):
        own = alternate(lambda: decode_all(file), lambda: data.load(item), rounds, time.thread_time)  # noqa: B023
        print(f"{file.name}: {statistics.median(own):.2f} times decoding alone ({min(own):.2f} to {max(own):.2f})")
        ratios.append(statistics.median(own))
    return max(ratios)


def against_one_worker(files: Sequence[Path], rounds: int, workers: int) -> tuple[float, float]:
    """How many times as many videos several workers prepare in a time as one, and the same over what hashing gains.

    Medians over the rounds. Hashing shares nothing between its threads: it gains what the machine has free.
    """
    from harness.datasets.videos import ViewedVideos
    from harness.evaluate.ahead import ahead

    data = ViewedVideos(Files(list(itertools.islice(itertools.cycle(files), 6))))

    def prepare(count: int) -> None:
        for ready in ahead(data.load, data.items, workers=count, waiting=2):
            del ready

    block = bytes(1 << 24)

    def hash_blocks(count: int) -> None:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda _: hashlib.sha256(block).digest(), range(48)))

    ratios, shares = [], []
    for _ in range(rounds):
        (free,) = alternate(lambda: hash_blocks(1), lambda: hash_blocks(workers), 1, time.perf_counter)
        (own,) = alternate(lambda: prepare(1), lambda: prepare(workers), 1, time.perf_counter)
        ratios.append(1 / own)
        shares.append(free / own)
    print(f"{workers} workers: {statistics.median(ratios):.2f} times as many ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"of what hashing gains by {workers} threads at the same time: {statistics.median(shares):.2f}")
    return statistics.median(ratios), statistics.median(shares)


def main(options: Mapping[str, str]) -> int:
    """Run both parts; 0 when both figures are reached."""
    rounds, workers = int(options.get("rounds", "9")), int(options.get("workers", "2"))
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as made:
        if "root" not in options:
            make_up(Path(made))
        files = sorted(Path(options.get("root", made)).rglob("*.mp4"))
        if not files:
            print(f"root={options['root']}: no *.mp4 there")
            return 1
        slower = against_decoding(files, rounds)
        more, share = against_one_worker(files, max(rounds // 2, 3), workers)
    cores = len(os.sched_getaffinity(0))
    print(f"one core: {slower:.2f} times decoding alone (expected at most {REQUIRED})")
    print(f"{workers} workers on {cores} cores: {more:.2f} times one (expected at least {WORKERS_REQUIRED},")
    print(f"or on a busy machine {SHARE_REQUIRED} of what hashing gains: {share:.2f})")
    return 0 if slower <= REQUIRED and (more >= WORKERS_REQUIRED or share >= SHARE_REQUIRED) else 1


if __name__ == "__main__":
    # The checkout instead of this folder, whose coverage.py would pass for the package that numba looks for.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    sys.exit(main(dict(argument.split("=", 1) for argument in sys.argv[1:])))

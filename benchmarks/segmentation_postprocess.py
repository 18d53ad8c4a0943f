"""How much faster windows become label maps and counts than with the seed's algorithm.

    python benchmarks/segmentation_postprocess.py [rounds=3]

Ten fixed image sizes of ADE20K's validation set; windows of 150x512x512 float32 in memory on both sides. The seed's
algorithm is torch's: sum of the padded windows over their count, bilinear resize to the original size, softmax,
argmax, then three histograms as mmsegmentation counts them. Both sides are timed in turns, the medians over the
rounds are summed over the sizes. Exits with 1 when the sum is above an eighth of the seed's.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from harness.datasets.windows import Layout

CLASSES = 150
SIZES = (
    (512, 683), (512, 1243), (256, 257), (429, 700), (512, 683),
    (683, 512), (308, 400), (512, 771), (256, 256), (1536, 2048),
)  # fmt: skip
"""(height, width) of every 200th image of the list, the last one replaced by one of the large ones."""


def seed_algorithm(plan: Layout, windows: list[np.ndarray], truth: np.ndarray) -> list[torch.Tensor]:
    """Labels and areas as mmsegmentation 0.30 computes them on the CPU, without gradients."""
    height, width = plan.resized
    scores = torch.zeros(1, CLASSES, height, width)
    count = torch.zeros(1, 1, height, width)
    for (left, top, right, bottom), window in zip(plan.boxes, windows, strict=True):
        scores += functional.pad(torch.from_numpy(window)[None], (left, width - right, top, height - bottom))
        count[:, :, top:bottom, left:right] += 1
    scores = functional.interpolate(scores / count, size=plan.original, mode="bilinear", align_corners=False)
    prediction = functional.softmax(scores, dim=1).argmax(dim=1)[0]
    label = torch.from_numpy(truth).long() - 1
    known = label >= 0
    prediction, label = prediction[known], label[known]
    areas = (prediction[prediction == label], prediction, label)
    return [torch.histc(area.float(), bins=CLASSES, min=0, max=CLASSES - 1) for area in areas]


def clock(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(rounds: int) -> int:
    """Print a line for each size and the sums; 0 when the sum is at most an eighth."""
    from harness.datasets.windows import Sliding, layout
    from harness.evaluate.merge import WindowMerger
    from harness.metrics.segmentation import SegmentationMetric

    random = np.random.default_rng(0)
    memory = random.standard_normal((3, CLASSES, 512, 512), np.float32)
    names = tuple(str(index) for index in range(CLASSES))
    ours_s, seed_s = 0.0, 0.0
    with WindowMerger() as merge, torch.no_grad():
        for size in SIZES:
            plan = layout(size, Sliding())
            windows = list(memory[: len(plan.boxes)])
            truth = random.integers(0, CLASSES + 1, size, np.uint8)

            def ours(plan: Layout = plan, windows: list[np.ndarray] = windows, truth: np.ndarray = truth) -> None:
                SegmentationMetric(names).update("image", merge(plan, windows), truth)

            def seed(plan: Layout = plan, windows: list[np.ndarray] = windows, truth: np.ndarray = truth) -> None:
                seed_algorithm(plan, windows, truth)

            ours()  # the first call compiles
            times = [(clock(ours), clock(seed)) for _ in range(rounds)]
            mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
            ours_s, seed_s = ours_s + mine, seed_s + theirs
            shape = f"{size[1]}x{size[0]}, {len(windows)} windows"
            print(f"{shape:>22}: {mine * 1e3:7.1f} ms, seed {theirs * 1e3:8.1f} ms, {theirs / mine:5.1f} times")
    print(f"sum {ours_s:.3f} s, seed {seed_s:.3f} s: {seed_s / ours_s:.1f} times as fast (expected at least 8)")
    return 0 if seed_s >= 8 * ours_s else 1


if __name__ == "__main__":
    # The checkout instead of this folder, whose coverage.py would pass for the package that numba looks for.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    sys.exit(main(int(options.get("rounds", "3"))))

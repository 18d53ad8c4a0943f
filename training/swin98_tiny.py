"""Trains the checkpoint of swin98_tiny that travels with the package, on the procedural data set `shapes`.

    python training/swin98_tiny.py [steps=800] [batch=8] [threads=1] [out=FOLDER]

Needs the extras `export` and `evaluate`. Every batch is drawn anew from the training split, which shares no scene with
the validation split; weights, scenes and their order follow from fixed seeds, so two runs on one machine with one
version of torch write the same bytes. The parameters are stored as float16 and read back before they are judged, on the
whole validation split, by the same evaluation that `evaluate=true` runs.

Written to `out` (default: `harness/models/shipped`): `swin98_tiny_shapes-XXXXXXXX.pth`, named after its SHA-256, and
`swin98_tiny_shapes.json`, which says the SHA-256, the mIoU beside those of chance, and how it was trained. The file's
name and hash then go into `conf/model/swin98_tiny.yaml`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import cv2
import numpy as np
import torch
import yaml
from fitting import begin, fit, store, write_card
from torch import nn
from torch.nn import functional

from harness.config.locate import conf_dir
from harness.datasets.pictures import WindowedPictures
from harness.datasets.protocol import Prepared
from harness.datasets.shapes import SHAPES_CLASSES, SHAPES_VERSION, Shapes
from harness.datasets.windows import sliding_for
from harness.evaluate.accumulate import Settings
from harness.evaluate.ahead import ahead
from harness.evaluate.merge import WindowMerger
from harness.evaluate.stream import evaluate
from harness.evaluate.task import Array, Model
from harness.evaluate.tasks import segmentation
from harness.metrics.segmentation import SegmentationResult
from harness.models.family import family
from harness.models.forward import ModuleRuntime
from harness.models.weights import load_weights

NAME = "swin98_tiny_shapes"
SEED = 0
IGNORED = 255


def build() -> tuple[nn.Module, tuple[int, int]]:
    """The network that the model's YAML describes, as torch initialises it, and the (height, width) of its input."""
    options = yaml.safe_load((conf_dir() / "model" / "swin98_tiny.yaml").read_text(encoding="utf-8"))["options"]
    kind = family("upernet_swin")
    parsed = kind.parse_options(options)
    if parsed.num_classes != len(SHAPES_CLASSES):
        raise SystemExit(f"num_classes={parsed.num_classes}: the data set has {len(SHAPES_CLASSES)} classes")
    torch.manual_seed(SEED)
    return kind.build(parsed), parsed.image_size


def windows(data: WindowedPictures) -> Iterator[tuple[Array, Array]]:
    """Every window of every scene, float32 (3, h, w), with its classes, int64 (h, w), `IGNORED` where none is known."""
    height, width = data.sliding.window
    for ready in ahead(data.load, data.items, workers=1, waiting=16):
        prepared = cast("Prepared", ready.value)  # a scene that is drawn has no problem
        plan = prepared.context
        classes = cv2.resize(prepared.truth - 1, plan.resized[::-1], interpolation=cv2.INTER_NEAREST)
        for sample, (left, top, right, bottom) in zip(prepared.samples, plan.boxes, strict=True):
            cut = np.full((height, width), IGNORED, np.int64)
            cut[: bottom - top, : right - left] = classes[top:bottom, left:right]
            yield sample, cut


def batches(size: tuple[int, int], steps: int, batch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Windows and their classes, drawn anew for each step."""
    # Every scene has at least one window, so this many scenes suffice.
    samples = windows(WindowedPictures(Shapes(steps * batch, split="train", seed=SEED), sliding_for(size)))
    for _ in range(steps):
        pictures, classes = zip(*itertools.islice(samples, batch), strict=True)
        yield torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(classes))


def loss_of(logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Cross entropy over the pixels whose class is known."""
    return functional.cross_entropy(logits, classes, ignore_index=IGNORED)


def score(runtime: Any, size: tuple[int, int]) -> SegmentationResult:
    """The whole validation split, windows merged and counted as `evaluate=true` does it."""
    data = WindowedPictures(Shapes(), sliding_for(size))
    with WindowMerger() as merger:
        task = segmentation(data.class_names, merger)
        return evaluate(data, data.items, [Model(runtime, "input", 4)], task, Settings()).result


class Constant:
    """A runtime that always names the same class: what a score without any knowledge is."""

    def __init__(self, named: int) -> None:
        self._named = named

    def run(self, inputs: Mapping[str, Array]) -> Sequence[Array]:
        """Scores of 1 for the class and 0 for the others."""
        (pictures,) = inputs.values()
        scores = np.zeros((len(pictures), len(SHAPES_CLASSES), *pictures.shape[2:]), np.float32)
        scores[:, self._named] = 1
        return [scores]


def main(arguments: Sequence[str]) -> None:
    """Train, store, read back, judge, and write down what came out."""
    steps, batch, threads, folder = begin(arguments, steps=800, batch=8)
    module, size = build()
    untrained, _ = build()
    load_weights(untrained, None, SEED)
    chance = {"random_weights": score(ModuleRuntime(untrained), size).m_iou}
    chance["best_constant"] = max(score(Constant(named), size).m_iou for named in range(len(SHAPES_CLASSES)))
    print(
        f"mIoU of random weights {chance['random_weights']:.4f}, of one class {chance['best_constant']:.4f}", flush=True
    )
    took = fit(module, batches(size, steps, batch), loss_of, steps)
    facts = {
        "dataset": "shapes",
        "dataset_version": SHAPES_VERSION,
        "CLASSES": SHAPES_CLASSES,
        "steps": steps,
        "batch": batch,
    }
    checkpoint, sha256 = store(module, folder, NAME, facts)
    judged, _ = build()
    load_weights(judged, checkpoint, SEED)
    result = score(ModuleRuntime(judged), size)
    came_out = {
        "validation_pictures": len(result.images),
        "m_iou": result.m_iou,
        "a_acc": result.a_acc,
        "iou": dict(zip(result.class_names, result.iou.tolist(), strict=True)),
        "chance_m_iou": chance,
    }
    write_card(folder, NAME, checkpoint, sha256, {**facts, **came_out, **took}, threads=threads)


if __name__ == "__main__":
    main(sys.argv[1:])

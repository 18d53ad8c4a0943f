"""Trains the checkpoint of video_swin_tiny that travels with the package, on the drawn videos of `motions`.

    python training/video_swin_tiny.py [steps=260] [batch=64] [threads=1] [out=FOLDER]

Needs the extras `export` and `evaluate`. Every batch is drawn anew from the training split, which shares no video with
the validation split; a video gives two views of random start and place. Weights, videos and their order follow from
fixed seeds. The parameters are stored as float16 and read back before they are judged, on the whole validation split,
by the same evaluation that `evaluate=true` runs.

Written to `out` (default: `harness/models/shipped`): `video_swin_tiny_motions-XXXXXXXX.pth`, named after its SHA-256,
and `video_swin_tiny_motions.json`, which says the SHA-256, the top-1 beside that of random weights, and how it was
trained. The file's name and hash then go into `conf/model/video_swin_tiny.yaml`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import cast

import cv2
import numpy as np
import torch
import yaml
from fitting import begin, fit, store, write_card
from torch import nn
from torch.nn import functional

from harness.config.locate import conf_dir
from harness.datasets.motions import FRAMES, MOTIONS_CLASSES, MOTIONS_VERSION, Motions
from harness.datasets.normalise import Normalisation, lookup_tables, normalise
from harness.datasets.protocol import Item
from harness.datasets.videos import ViewedVideos
from harness.datasets.views import Sampling, crop_places, resized_size
from harness.evaluate.accumulate import Settings
from harness.evaluate.ahead import ahead
from harness.evaluate.stream import evaluate
from harness.evaluate.task import Array, Model
from harness.evaluate.tasks import classification
from harness.metrics.classification import ClassificationResult
from harness.models.family import family
from harness.models.forward import ModuleRuntime
from harness.models.weights import load_weights

NAME = "video_swin_tiny_motions"
SEED = 0
PEAK_RATE, RISING = 3e-3, 0.3
"""A rate that is high too early keeps the loss where it began."""
VIEWS = 2
"""Views of a drawn video: drawing costs more than a view."""


def build() -> tuple[nn.Module, Sampling]:
    """The network that the model's YAML describes, as torch initialises it, and what it sees of a video."""
    model = yaml.safe_load((conf_dir() / "model" / "video_swin_tiny.yaml").read_text(encoding="utf-8"))
    kind = family("video_swin")
    parsed = kind.parse_options(model["options"])
    if parsed.num_classes != len(MOTIONS_CLASSES):
        raise SystemExit(f"num_classes={parsed.num_classes}: the data set has {len(MOTIONS_CLASSES)} classes")
    views = model["inputs"][0]["shape"][1]
    torch.manual_seed(SEED)
    return kind.build(parsed), Sampling(parsed.frames, 2, views // 3, 3, parsed.image_size[0])


class RandomViews:
    """Draws a video of the training split and cuts views at random places out of it."""

    def __init__(self, videos: Motions, sampling: Sampling) -> None:
        self._videos, self._sampling = videos, sampling
        self._tables = lookup_tables(Normalisation())

    def __call__(self, item: Item) -> Array:
        """float32 (views, 3, frames, size, size)."""
        sampling, random = self._sampling, np.random.RandomState((SEED, item.index))
        frames = self._videos.frames(item)
        height, width = resized_size(frames.shape[1:3], sampling.size)
        places = crop_places((height, width), sampling)
        views = np.empty((VIEWS, 3, sampling.frames, sampling.size, sampling.size), np.float32)
        for view in views:
            start = random.randint(FRAMES - (sampling.frames - 1) * sampling.interval)
            top, left = places[random.randint(len(places))]
            for number in range(sampling.frames):
                frame = cv2.resize(frames[start + number * sampling.interval], (width, height))
                cut = frame[top : top + sampling.size, left : left + sampling.size]
                normalise(cv2.split(np.ascontiguousarray(cut)), self._tables, view[:, number])
        return views


def batches(sampling: Sampling, steps: int, batch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Views (batch, 1, 3, frames, size, size) and their classes, drawn anew for each step."""
    videos = Motions(steps * batch // VIEWS, split="train", seed=SEED)
    ready = ahead(RandomViews(videos, sampling), videos.items, workers=1, waiting=batch)
    for _ in range(steps):
        drawn = [next(ready) for _ in range(batch // VIEWS)]
        views = np.concatenate([cast("Array", each.value) for each in drawn])
        labels = np.repeat([videos.label(each.item) for each in drawn], VIEWS)
        yield torch.from_numpy(views[:, None]), torch.from_numpy(labels)


def score(module: nn.Module, sampling: Sampling) -> ClassificationResult:
    """The whole validation split, decoded, averaged over the views and counted as `evaluate=true` does it."""
    data = ViewedVideos(Motions(), sampling)
    models = [Model(ModuleRuntime(module.eval()), "input", 1)]
    return evaluate(data, data.items, models, classification(data.class_names), Settings()).result


def main(arguments: Sequence[str]) -> None:
    """Train, store, read back, judge, and write down what came out."""
    steps, batch, threads, folder = begin(arguments, steps=260, batch=64)
    module, sampling = build()
    untrained, _ = build()
    load_weights(untrained, None, SEED)
    chance = score(untrained, sampling).top1
    print(f"top-1 of random weights {chance:.4f}, of any one class {1 / len(MOTIONS_CLASSES):.4f}", flush=True)
    took = fit(module, batches(sampling, steps, batch), functional.cross_entropy, steps, PEAK_RATE, RISING)
    facts = {
        "dataset": "motions",
        "dataset_version": MOTIONS_VERSION,
        "CLASSES": MOTIONS_CLASSES,
        "steps": steps,
        "batch": batch,
    }
    checkpoint, sha256 = store(module, folder, NAME, facts)
    judged, _ = build()
    load_weights(judged, checkpoint, SEED)
    result = score(judged, sampling)
    came_out = {
        "validation_videos": len(result.items),
        "top1": result.top1,
        "top5": result.top5,
        "mean_class_accuracy": result.mean_class_accuracy,
        "acc": dict(zip(result.class_names, result.acc.tolist(), strict=True)),
        "random_weights_top1": chance,
    }
    write_card(folder, NAME, checkpoint, sha256, {**facts, **came_out, **took}, threads=threads)


if __name__ == "__main__":
    main(sys.argv[1:])

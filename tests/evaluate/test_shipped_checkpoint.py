"""The checkpoints that travel with the package: found without a network, and well above chance."""

from __future__ import annotations

import json

import numpy as np
import pytest
from omegaconf import OmegaConf
from pydantic import TypeAdapter

from harness.config.locate import conf_dir
from harness.config.model import ModelSettings
from harness.datasets.motions import MOTIONS_CLASSES, MOTIONS_VERSION, Motions
from harness.datasets.pictures import WindowedPictures
from harness.datasets.shapes import SHAPES_CLASSES, SHAPES_VERSION, Shapes
from harness.datasets.videos import ViewedVideos
from harness.datasets.views import Sampling
from harness.datasets.windows import sliding_for
from harness.evaluate.accumulate import Settings
from harness.evaluate.merge import WindowMerger
from harness.evaluate.stream import evaluate
from harness.evaluate.task import Model
from harness.evaluate.tasks import classification, segmentation
from harness.models.connect import Network
from harness.models.family import family
from harness.models.forward import ModuleRuntime
from harness.models.pretrained import SHIPPED, Resolved, resolve
from harness.models.weights import load_weights

LARGEST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def settings():
    file = OmegaConf.create({"batchsize": 1, "model": OmegaConf.load(conf_dir() / "model" / "swin98_tiny.yaml")})
    return TypeAdapter(ModelSettings).validate_python(OmegaConf.to_container(file, resolve=True)["model"])


@pytest.fixture(scope="module")
def card():
    return json.loads((SHIPPED / "swin98_tiny_shapes.json").read_text(encoding="utf-8"))


def found(settings, tmp_path):
    return resolve(settings, tmp_path / "cache", report=pytest.fail, network=Network(failure="there is no network"))


def loaded(settings, checkpoint):
    kind = family(settings.kind)
    module = kind.build(kind.parse_options(settings.options))
    return module, load_weights(module, checkpoint, settings.seed)


def scored(module, settings, limit):
    data = WindowedPictures(Shapes(limit=limit), sliding_for(settings.inputs[0].shape[2:]))
    with WindowMerger(1) as merger:
        models = [Model(ModuleRuntime(module), settings.inputs[0].name, 4)]
        return evaluate(data, data.items, models, segmentation(data.class_names, merger), Settings()).result


def test_it_is_found_without_a_network_and_says_what_it_is(settings, card, tmp_path):
    file = found(settings, tmp_path)
    assert file == Resolved(SHIPPED / card["file"])
    assert not (tmp_path / "cache").exists()
    assert file.checkpoint.stat().st_size == card["size_bytes"] <= LARGEST_BYTES
    _, weights = loaded(settings, file.checkpoint)
    assert (weights.kind, weights.trained, weights.dataset) == ("checkpoint", True, "shapes")
    assert weights.sha256 == card["sha256"] == settings.pretrained.sha256_prefix
    assert card["file"] == f"swin98_tiny_shapes-{card['sha256'][:8]}.pth"
    assert (card["dataset_version"], tuple(card["CLASSES"])) == (SHAPES_VERSION, SHAPES_CLASSES)


def test_it_sees_shapes_and_random_weights_do_not(settings, card, tmp_path):
    trained, _ = loaded(settings, found(settings, tmp_path).checkpoint)
    result = scored(trained, settings, 12)
    assert abs(result.m_iou - card["m_iou"]) < 0.1, "the whole split has 48 pictures, this subset 12"
    assert np.nanmin(result.iou) > 0.3
    untrained, _ = loaded(settings, None)
    assert scored(untrained, settings, 12).m_iou < 0.15


def video_settings():
    file = OmegaConf.create({"batchsize": 1, "model": OmegaConf.load(conf_dir() / "model" / "video_swin_tiny.yaml")})
    return TypeAdapter(ModelSettings).validate_python(OmegaConf.to_container(file, resolve=True)["model"])


def top1(module, settings):
    _, views, _, frames, size, _ = settings.inputs[0].shape
    data = ViewedVideos(Motions(limit=16), Sampling(frames, 2, views // 3, 3, size))
    models = [Model(ModuleRuntime(module), "input", 1)]
    return evaluate(data, data.items, models, classification(data.class_names), Settings()).result.top1


def test_the_video_network_sees_motions_and_random_weights_do_not(tmp_path):
    settings = video_settings()
    card = json.loads((SHIPPED / "video_swin_tiny_motions.json").read_text(encoding="utf-8"))
    file = found(settings, tmp_path)
    assert file == Resolved(SHIPPED / card["file"])
    assert file.checkpoint.stat().st_size == card["size_bytes"] <= LARGEST_BYTES
    trained, weights = loaded(settings, file.checkpoint)
    assert (weights.trained, weights.dataset) == (True, "motions")
    assert weights.sha256 == card["sha256"] == settings.pretrained.sha256_prefix
    assert (card["dataset_version"], tuple(card["CLASSES"])) == (MOTIONS_VERSION, MOTIONS_CLASSES)
    assert abs(top1(trained, settings) - card["top1"]) < 0.2, "the whole split has 64 videos, this subset 16"
    untrained, _ = loaded(settings, None)
    assert top1(untrained, settings) < 0.4

"""A minute network, exported once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.graph.export import export_onnx
from harness.graph.simplify import simplify_onnx
from harness.models.family import family
from harness.models.weights import load_weights
from tests.models.recipe import MINUTE

BATCH = 3


def minute_network(seed: int = 0):
    upernet_swin = family("upernet_swin")
    network = upernet_swin.build(upernet_swin.parse_options(MINUTE))
    load_weights(network, None, seed)
    return network


@pytest.fixture(scope="session")
def images() -> dict[str, np.ndarray]:
    shape = (BATCH, 3, MINUTE["image_size"], MINUTE["image_size"])
    return {"input": np.random.default_rng(0).standard_normal(shape).astype(np.float32)}


@pytest.fixture(scope="session")
def exported(tmp_path_factory, images) -> Path:
    path = tmp_path_factory.mktemp("graph") / "exported.onnx"
    export_onnx(minute_network(), images, ["output"], path, 11)
    return path


@pytest.fixture(scope="session")
def simplified(exported) -> Path:
    path = exported.with_name("simplified.onnx")
    simplify_onnx(exported, path)
    return path

"""Video Swin against the official code: the same parameters, the same logits; and its graph, with views and without."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from omegaconf import OmegaConf
from pydantic import TypeAdapter

from harness.config.model import ModelSettings
from harness.errors import ConfigError
from harness.graph.export import export_onnx
from harness.graph.inspect import inspect_onnx
from harness.graph.rules import rule
from harness.graph.rules.apply import rewrite_onnx
from harness.graph.run import run_onnx
from harness.graph.shapes import write_with_shapes
from harness.graph.simplify import simplify_onnx
from harness.models.family import batch_axes, family
from harness.models.forward import leading, run_module
from harness.models.swin3d import clipped_grid
from harness.models.weights import load_weights
from tests.models.recipe import MINUTE_VIDEO, recipe_input, recipe_weights

GOLDEN = Path(__file__).with_name("golden")
CONF = Path(__file__).resolve().parents[2] / "conf" / "model"
TINY = {"embed_dims": 24, "depths": [2, 2, 2, 2], "num_heads": [1, 2, 4, 8]}
"""The network behind the golden logits."""
VIDEO = family("video_swin")


def build(**options):
    return VIDEO.build(VIDEO.parse_options(options))


def shapes(network) -> list[tuple[str, list[int]]]:
    return [(name, list(tensor.shape)) for name, tensor in network.state_dict().items()]


def settings(name: str) -> ModelSettings:
    config = OmegaConf.create({"batchsize": 2, "model": OmegaConf.load(CONF / f"{name}.yaml")})
    return TypeAdapter(ModelSettings).validate_python(OmegaConf.to_container(config, resolve=True)["model"])


@pytest.mark.parametrize(("size", "options"), [("tiny", TINY), ("small", {})])
def test_names_and_shapes_are_the_official_ones_in_the_official_order(size, options):
    official = json.loads((GOLDEN / f"video_swin_{size}_keys.json").read_text())
    with torch.device("meta"):
        assert shapes(build(**options)) == list(official.items())


@pytest.mark.parametrize("case", [pytest.param(0, marks=pytest.mark.slow), 1, 2])
@pytest.mark.parametrize("folded", [False, True], ids=["as trained", "as exported"])
def test_logits_are_the_official_ones(case, folded):
    golden = np.load(GOLDEN / "video_swin_tiny_logits.npz")
    shape = tuple(int(size) for size in golden[f"{case}_shape"])
    network = build(**TINY, frames=shape[3], image_size=list(shape[4:]))
    network.load_state_dict(recipe_weights(network), strict=False)
    if folded:
        for module in network.modules():
            if hasattr(module, "fold_constants"):
                module.fold_constants()
    with torch.no_grad():
        logits = network(recipe_input(case, shape, seed=200)).numpy()
    np.testing.assert_allclose(logits, golden[f"{case}_logits"], atol=1e-5, rtol=0)


def test_windows_are_no_larger_than_the_map_and_shift_where_there_is_room():
    # Official: at 32 x 224 x 224 the last stage has maps of 16 x 7 x 7 tokens, windows of 8 x 7 x 7.
    assert clipped_grid((16, 7, 7), (8, 7, 7), shifted=True).shift == (4, 0, 0)
    small = clipped_grid((5, 9, 3), (8, 7, 7), shifted=True)
    assert (small.window, small.shift) == ((5, 7, 3), (0, 3, 0))
    assert not clipped_grid((16, 56, 56), (8, 7, 7), shifted=False).shifted


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[torch.nn.Module, dict[str, np.ndarray], Path]:
    network = build(**MINUTE_VIDEO)
    load_weights(network, None, 0)
    views = {"input": np.random.default_rng(0).standard_normal((2, 3, 3, 6, 32, 32)).astype(np.float32)}
    path = tmp_path_factory.mktemp("video") / "exported.onnx"
    export_onnx(network, views, ["output"], path, 11, batch_axes=batch_axes(VIDEO))
    simplify_onnx(path, path.with_name("simplified.onnx"))
    return network, views, path


@pytest.mark.parametrize("form", ["exported", "simplified"])
def test_graph_has_all_views_and_static_shapes_and_computes_what_torch_does(exported, form):
    network, views, path = exported
    file = path.with_name(f"{form}.onnx")
    onnx.checker.check_model(str(file), full_check=True)
    summary = inspect_onnx(file)
    assert summary.inputs[0].shape == (2, 3, 3, 6, 32, 32)
    assert summary.outputs[0].shape == (6, 5)
    assert not summary.dynamic_dimensions
    assert not summary.data_dependent_operators
    assert not {"Slice", "Concat", "Cast"} & summary.operators.keys()
    with torch.no_grad():
        expected = network(torch.from_numpy(views["input"])).numpy()
    np.testing.assert_allclose(run_onnx(file, views)["output"], expected, atol=1e-5)


def test_rules_find_nothing_to_do_and_only_shapes_are_int64(exported, tmp_path):
    # What the seed's script removes from the official export never comes into this one.
    _, views, path = exported
    simplified, rewritten = path.with_name("simplified.onnx"), tmp_path / "rewritten.onnx"
    rules = [rule(name) for name in settings("video_swin").graph.rules]
    assert len(rules) == 4
    assert set(rewrite_onnx(simplified, rewritten, rules).values()) == {0}
    graph = onnx.load(str(rewritten)).graph
    wide = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT64}
    uses = {(node.op_type, place) for node in graph.node for place, name in enumerate(node.input) if name in wide}
    assert uses <= {("Reshape", 1), ("Pad", 1)}
    assert not {node.op_type for node in graph.node} & {"Slice", "Concat", "Cast", "Shape"}
    assert not inspect_onnx(rewritten).dynamic_dimensions
    np.testing.assert_array_equal(run_onnx(rewritten, views)["output"], run_onnx(simplified, views)["output"])


@pytest.mark.parametrize("form", ["exported", "simplified"])
def test_one_view_of_each_video_runs_by_itself(exported, form, tmp_path):
    network, views, path = exported
    few = leading(views, 2, batch_axes(VIDEO))
    assert few["input"].shape == (2, 1, 3, 6, 32, 32)
    write_with_shapes(path.with_name(f"{form}.onnx"), tmp_path / "few.onnx", {"input": few["input"].shape})
    alone = run_onnx(tmp_path / "few.onnx", few)["output"]
    np.testing.assert_allclose(alone, run_onnx(path, views)["output"][::3], atol=1e-5)
    np.testing.assert_allclose(alone, run_module(network, views, 2, batch_axes(VIDEO))[0], atol=1e-5)


def test_video_swin_is_the_seeds():
    chosen = settings("video_swin")
    (only,) = chosen.inputs
    assert (only.name, only.shape, only.dtype) == ("input", (2, 12, 3, 32, 224, 224), "float32")
    assert VIDEO.parse_options(chosen.options) == VIDEO.parse_options({})
    name = "swin_small_patch244_window877_kinetics400_1k.pth"
    assert chosen.pretrained.url == f"https://github.com/SwinTransformer/storage/releases/download/v1.0.4/{name}"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "millions"), [("swin3d_tiny", 28), ("video_swin", 50), ("swin3d_base", 88)])
def test_number_of_parameters_is_the_published_one(name, millions):
    # github.com/SwinTransformer/Video-Swin-Transformer, README
    with torch.device("meta"):
        network = build(**settings(name).options)
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6) == millions


@pytest.mark.parametrize("name", ["video_swin_tiny", pytest.param("video_swin", marks=pytest.mark.slow)])
def test_network_takes_the_input_of_its_yaml(name):
    chosen = settings(name)
    with torch.device("meta"):
        logits = build(**chosen.options).to("meta")(torch.empty(chosen.inputs[0].shape))
    assert logits.shape == (24, chosen.options["num_classes"])


def test_wrong_stages_are_refused_in_one_line():
    with pytest.raises(ConfigError, match=r"num_heads\[1\]=5 does not divide the 192 channels of stage 1"):
        VIDEO.parse_options({"num_heads": [3, 5, 12, 24]})

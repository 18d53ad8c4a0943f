"""drop_output_resize: the output gets smaller, the host makes the same of it, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from torch import from_numpy
from torch.nn import functional

from harness.config.model import GraphSettings, ModelSettings
from harness.graph.enlarge import enlarged, left_to_host
from harness.graph.rules import rule
from harness.graph.rules.apply import rewrite_onnx
from harness.graph.run import run_onnx
from tests.graph.test_rules import graph

FEED = {"x": np.random.default_rng(0).standard_normal((2, 3, 8, 12)).astype(np.float32)}
SCALES = np.asarray([1, 1, 4, 4], np.float32)


def resized(path: Path, *, mode: str = "linear", coordinates: str = "pytorch_half_pixel", after: bool = False) -> Path:
    """A graph of Relu, Resize by 4 and, with ``after``, an Abs behind it."""
    last = "big" if after else "y"
    nodes = [
        helper.make_node("Relu", ["x"], ["small"]),
        helper.make_node(
            "Resize", ["small", "", "scales"], [last], mode=mode, coordinate_transformation_mode=coordinates
        ),
    ]
    nodes += [helper.make_node("Abs", ["big"], ["y"])] if after else []
    shapes = {"x": (np.float32, (2, 3, 8, 12))}, {"y": (np.float32, (2, 3, 32, 48))}
    return graph(path, nodes, *shapes, {"scales": SCALES}, opset=13)


def test_the_output_is_smaller_and_the_host_makes_the_same_of_it(tmp_path: Path) -> None:
    source, target = resized(tmp_path / "net.onnx"), tmp_path / "smaller.onnx"
    assert rewrite_onnx(source, target, [rule("drop_output_resize")]) == {"drop_output_resize": 1}
    model = onnx.load(str(target))
    onnx.checker.check_model(model, full_check=True)
    (output,) = model.graph.output
    assert (output.name, [d.dim_value for d in output.type.tensor_type.shape.dim]) == ("y", [2, 3, 8, 12])
    assert [node.op_type for node in model.graph.node] == ["Relu"]
    whole, small = run_onnx(source, FEED)["y"], run_onnx(target, FEED)["y"]
    assert small.nbytes * 16 == whole.nbytes
    np.testing.assert_allclose(enlarged(small, whole.shape), whole, atol=1e-6)


@pytest.mark.parametrize(
    "changes", [{"mode": "nearest"}, {"coordinates": "align_corners"}, {"after": True}], ids=["mode", "corners", "use"]
)
def test_what_the_host_cannot_do_stays(tmp_path: Path, changes: dict) -> None:
    source, target = resized(tmp_path / "net.onnx", **changes), tmp_path / "same.onnx"
    assert rewrite_onnx(source, target, [rule("drop_output_resize")]) == {"drop_output_resize": 0}
    np.testing.assert_array_equal(run_onnx(target, FEED)["y"], run_onnx(source, FEED)["y"])


def test_the_host_enlarges_as_torch_does_and_leaves_other_shapes_alone() -> None:
    large = functional.interpolate(from_numpy(FEED["x"]), scale_factor=(4, 2), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(enlarged(FEED["x"], (2, 3, 32, 24)), large.numpy(), atol=1e-6)
    for shape in ((2, 3, 8, 12), (2, 4, 32, 48), (2, 3, 9, 12), (2, 3, 4, 6), (2, 3, 8)):
        assert enlarged(FEED["x"], shape) is FEED["x"]


def test_only_a_model_that_asks_for_it_is_enlarged() -> None:
    plain = ModelSettings(name="net", kind="onnx", task="segmentation")
    assert not left_to_host(plain)
    asking = ModelSettings(
        name="net", kind="onnx", task="segmentation", graph=GraphSettings(rules=("drop_output_resize",))
    )
    assert left_to_host(asking)

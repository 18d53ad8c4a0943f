"""Graph rules through all stages: what is measured is the rewritten file, and the record says what fired."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.errors import ConfigError
from harness.stages import rewrite
from tests.stages.driving import drive, settle


def network(path: Path) -> Path:
    """A Concat with an empty part, behind something that onnxsim leaves alone."""
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["s"]),
        helper.make_node("Slice", ["s", "zero", "zero", "one"], ["empty"]),
        helper.make_node("Concat", ["s", "empty"], ["joined"], axis=1),
        helper.make_node("Sqrt", ["joined"], ["y"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 6]) for name in "xy"]
    constants = [numpy_helper.from_array(np.array([value]), name) for name, value in (("zero", 0), ("one", 1))]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_rules_of_a_users_file_are_applied_counted_and_checked(tmp_path):
    file = network(tmp_path / "net.onnx")
    words = ("model=onnx", f"model.file={file}", "batchsize=2", "model.graph.rules=[empty_parts,int32_arithmetic]")
    (cell,) = settle(words)
    ran = drive(cell, tmp_path)
    assert ran.outcome.status == "ok", ran.outcome
    info = ran.info["rewrite"]
    assert info["graph"]["rules"] == {"empty_parts": 1, "int32_arithmetic": 0}
    assert info["graph"]["operators"] == {"Sigmoid": 1, "Sqrt": 1}
    assert info["notes"] == ["graph rules that never fired, for lack of what they change: int32_arithmetic"]
    assert ran.info["parity"]["exported_rewritten"]["y"]["max_abs"] == 0
    assert {"exported", "simplified", "rewritten"} <= ran.artifacts.keys()


def test_another_rule_is_another_key_and_none_is_no_stage(tmp_path):
    file = network(tmp_path / "net.onnx")
    chosen = [[], ["empty_parts"], ["whole_slice"], ["whole_slice", "empty_parts"], ["empty_parts", "whole_slice"]]
    base = ("model=onnx", f"model.file={file}")
    cells = settle(*((*base, f"model.graph.rules=[{','.join(rules)}]") for rules in chosen))
    from harness.records.schema import Artifact
    from harness.stages.pipeline import preparation

    assert "rewrite" not in preparation(cells[0].settings)
    artifact = {"exported": Artifact(sha256="0" * 64, size_bytes=1, suffix=".onnx")}
    keys = {rewrite.key(cell.settings, artifact) for cell in cells[1:]}
    assert len(keys) == len(chosen) - 1


def test_rules_are_refused_by_name_before_anything_runs(tmp_path):
    file = network(tmp_path / "net.onnx")
    with pytest.raises(ConfigError, match=r"model\.graph\.rules=empty_prats: no such graph rule"):
        settle(("model=onnx", f"model.file={file}", "model.graph.rules=[empty_prats]"))


def segmenter_with_resize(path: Path) -> Path:
    """Scores of three classes at half of the size, enlarged at the end."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["small"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node(
            "Resize", ["small", "", "scales"], ["y"], mode="linear", coordinate_transformation_mode="pytorch_half_pixel"
        ),
    ]
    values = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 16, 16]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3, 16, 16]),
    ]
    weights = np.random.default_rng(0).standard_normal((3, 3, 3, 3)).astype(np.float32)
    constants = {"w": weights, "scales": np.array([1, 1, 2, 2], np.float32)}
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_a_resize_left_to_the_host_is_checked_for_parity_like_any_rule(tmp_path):
    file = segmenter_with_resize(tmp_path / "net.onnx")
    (cell,) = settle(
        ("model=onnx", f"model.file={file}", "batchsize=2", "model.graph.rules=[drop_output_resize]"),
    )
    ran = drive(cell, tmp_path)
    assert ran.outcome.status == "ok", ran.outcome
    assert ran.info["rewrite"]["graph"]["rules"] == {"drop_output_resize": 1}
    assert ran.info["parity"]["exported_rewritten"]["y"]["max_abs_over_range"] < 1e-6


def test_outputs_in_files_are_not_read_without_their_resize(tmp_path):
    from dataclasses import replace

    from harness.commands.data import _check_fit

    file = segmenter_with_resize(tmp_path / "net.onnx")
    (cell,) = settle(("model=onnx", f"model.file={file}", "model.graph.rules=[drop_output_resize]"))
    files = replace(cell.settings, evaluate=replace(cell.settings.evaluate, mode="files"))
    with pytest.raises(ConfigError, match=r"evaluate\.mode=files: outputs that drop_output_resize"):
        _check_fit(files)

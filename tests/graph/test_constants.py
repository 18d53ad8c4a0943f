"""Sharing constants, counting them, and simplifying files made by hand."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from harness.errors import HarnessError
from harness.graph.constants import share_constants
from harness.graph.inspect import inspect_onnx, summarise
from harness.graph.simplify import simplify_onnx


def constant(name: str, values) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(values), name))


def model(nodes, initializers=(), outputs=("y",)) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in outputs],
        list(initializers),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def run(proto: onnx.ModelProto) -> list[np.ndarray]:
    return ReferenceEvaluator(proto).run(None, {"x": np.array([3.0, -4.0], np.float32)})


ONE = np.array([1.0, 1.0], np.float32)


def test_equal_constants_become_one_whatever_form_they_had():
    raw = numpy_helper.from_array(ONE, "a")
    listed = helper.make_tensor("b", TensorProto.FLOAT, [2], [1.0, 1.0])
    proto = model(
        [
            constant("c", ONE),
            helper.make_node("Add", ["x", "a"], ["s"]),
            helper.make_node("Add", ["s", "b"], ["t"]),
            helper.make_node("Add", ["t", "c"], ["y"]),
        ],
        [raw, listed],
    )
    assert summarise(proto).duplicate_constants == 2
    before = run(proto)
    after = share_constants(proto)
    onnx.checker.check_model(after, full_check=True)
    assert [tensor.name for tensor in after.graph.initializer] == ["a"]
    assert summarise(after).duplicate_constants == 0
    np.testing.assert_array_equal(run(after)[0], before[0])


@pytest.mark.parametrize(
    "other",
    [np.array([1.0, -0.0], np.float32), np.array([[1.0, 0.0]], np.float32), np.array([1.0, 0.0], np.float64)],
    ids=["bits", "shape", "type"],
)
def test_constants_that_differ_stay_apart(other):
    proto = model(
        [helper.make_node("Identity", ["x"], ["y"])],
        [numpy_helper.from_array(np.array([1.0, 0.0], np.float32), "a"), numpy_helper.from_array(other, "b")],
    )
    assert len(share_constants(proto).graph.initializer) == 2


def test_a_constant_that_is_an_output_keeps_its_name():
    proto = model(
        [constant("y", ONE), constant("c", ONE), helper.make_node("Add", ["x", "c"], ["z"])], outputs=("y", "z")
    )
    before = run(proto)
    after = share_constants(proto)
    onnx.checker.check_model(after, full_check=True)
    for first, second in zip(before, run(after), strict=True):
        np.testing.assert_array_equal(first, second)


def test_subgraphs_follow_the_renaming():
    def branch(name: str, used: str) -> onnx.GraphProto:
        output = helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])
        return helper.make_graph([helper.make_node("Add", ["x", used], [name])], name, [], [output])

    condition = numpy_helper.from_array(np.array(True), "condition")
    choice = helper.make_node("If", ["condition"], ["y"], then_branch=branch("p", "b"), else_branch=branch("q", "a"))
    proto = model([choice], [condition, numpy_helper.from_array(ONE, "a"), numpy_helper.from_array(ONE, "b")])
    before = run(proto)
    after = share_constants(proto)
    assert len(after.graph.initializer) == 2
    np.testing.assert_array_equal(run(after)[0], before[0])
    summary = summarise(after)
    assert summary.nodes == 3
    assert summary.data_dependent_operators == ("If",)


def test_summary_names_what_is_dynamic():
    proto = model([helper.make_node("Identity", ["x"], ["y"])])
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    proto.graph.output[0].type.tensor_type.shape.dim[0].Clear()
    summary = summarise(proto)
    assert summary.dynamic_dimensions == ("x[0]", "y[0]")
    assert summary.inputs[0].shape == ("batch",)


def test_summary_counts_bytes_and_foreign_operators():
    node = helper.make_node("Special", ["x", "a"], ["y"], domain="com.example")
    proto = model([node], [numpy_helper.from_array(np.zeros((3, 5), np.int64), "a")])
    summary = summarise(proto)
    assert summary.constant_bytes == 3 * 5 * 8
    assert summary.operators == {"com.example::Special": 1}
    assert summary.opset == 13


def test_simplifying_keeps_what_is_computed(tmp_path):
    proto = model(
        [
            constant("c", ONE),
            constant("d", ONE),
            helper.make_node("Add", ["c", "d"], ["e"]),
            helper.make_node("Identity", ["x"], ["i"]),
            helper.make_node("Mul", ["i", "e"], ["y"]),
        ]
    )
    onnx.save(proto, str(tmp_path / "a.onnx"))
    simplify_onnx(tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert inspect_onnx(tmp_path / "b.onnx").operators == {"Mul": 1}
    np.testing.assert_array_equal(run(onnx.load(str(tmp_path / "b.onnx")))[0], run(proto)[0])


def test_simplifying_what_is_no_graph_is_one_line(tmp_path):
    broken = model([helper.make_node("Add", ["x", "nowhere"], ["y"])])
    onnx.save(broken, str(tmp_path / "a.onnx"))
    with pytest.raises(HarnessError, match=r"export\.simplify=false") as caught:
        simplify_onnx(tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "b.onnx").exists()

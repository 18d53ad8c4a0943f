"""Graph rules: what each changes and leaves alone, how often it fired; and that the outputs stay what they were."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from harness.errors import ConfigError, HarnessError
from harness.graph.inspect import inspect_onnx
from harness.graph.rules import BUILT_IN, Rule, check_rules, rule
from harness.graph.rules.apply import rewrite_onnx
from harness.graph.run import run_onnx
from harness.graph.simplify import simplify_onnx

ALL = tuple(name for name in BUILT_IN if name != "drop_output_resize")  # the one that changes an output
INT64_MAX = 2**63 - 1


def graph(path: Path, nodes, inputs, outputs, constants=None, opset=13) -> Path:
    """Write a graph; inputs and outputs are {name: (dtype, shape)}, constants {name: array}."""

    def values(named):
        return [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
            for name, (dtype, shape) in named.items()
        ]

    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    proto = helper.make_graph(nodes, "graph", values(inputs), values(outputs), tensors)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return path


def rewritten(source: Path, *names: str, feed=None):
    """Rewrite a file; returns what fired, the operators that are left, and the model, once the outputs are equal."""
    target = source.with_name("rewritten.onnx")
    fired = rewrite_onnx(source, target, [rule(name) for name in names])
    onnx.checker.check_model(str(target), full_check=True)
    if feed is not None:
        before, after = (run_onnx(path, feed) for path in (source, target))
        assert before.keys() == after.keys()
        for name, array in before.items():
            np.testing.assert_array_equal(after[name], array)
            assert after[name].dtype == array.dtype
    return fired, inspect_onnx(target).operators, onnx.load(str(target))


def int64_names(model: onnx.ModelProto) -> list[str]:
    """Every constant and every inferred value that is int64."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    values = [value.name for value in inferred.value_info if value.type.tensor_type.elem_type == TensorProto.INT64]
    return values + [tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.INT64]


@pytest.fixture
def rolled(tmp_path):
    """A plain export of ``torch.roll(x, (4, 0, 0), (1, 2, 3))``."""

    class Roll(torch.nn.Module):
        def forward(self, x):
            return torch.roll(x, (4, 0, 0), (1, 2, 3))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments = (torch.zeros(2, 8, 7, 7, 3),)
        names = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(Roll(), arguments, str(tmp_path / "roll.onnx"), opset_version=11, dynamo=False, **names)
    simplify_onnx(tmp_path / "roll.onnx", tmp_path / "simplified.onnx")
    return tmp_path


X = np.random.default_rng(0).standard_normal((2, 8, 7, 7, 3)).astype(np.float32)


@pytest.mark.parametrize("form", ["roll", "simplified"])
def test_roll_by_zero_leaves_nothing(rolled, form):
    fired, operators, _ = rewritten(rolled / f"{form}.onnx", "empty_parts", "whole_slice", feed={"x": X})
    assert fired == {"empty_parts": 2, "whole_slice": 0}
    assert operators == {"Slice": 2, "Concat": 1}  # the roll by four


def test_twin_that_is_everything_goes_with_the_empty_slice(tmp_path):
    # What torch before 2.1 and the dynamo exporter write for a roll by zero.
    nodes = [
        helper.make_node("Slice", ["x", "zero", "end", "one"], ["whole"]),
        helper.make_node("Slice", ["x", "zero", "zero", "one"], ["empty"]),
        helper.make_node("Concat", ["whole", "empty"], ["y"], axis=1),
    ]
    constants = {"zero": np.array([0]), "end": np.array([INT64_MAX]), "one": np.array([1])}
    shape = {"x": (np.float32, [2, 3])}
    path = graph(tmp_path / "a.onnx", nodes, shape, {"y": (np.float32, [2, 3])}, constants)
    feed = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
    fired, operators, _ = rewritten(path, "empty_parts", "whole_slice", feed=feed)
    assert fired == {"empty_parts": 1, "whole_slice": 1}
    assert operators == {"Identity": 1}  # an input that is an output


@pytest.mark.parametrize(
    ("starts", "ends", "steps", "left"),
    [
        ([0], [3], [1], "Identity"),
        ([0], [INT64_MAX], [1], "Identity"),
        ([-3], [9], [1], "Identity"),
        ([-1], [-INT64_MAX], [-1], "Slice"),  # turned round
        ([1], [3], [1], "Slice"),
        ([0], [3], [2], "Slice"),
    ],
)
def test_slice_goes_only_where_it_takes_everything_in_order(tmp_path, starts, ends, steps, left):
    nodes = [helper.make_node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"])]
    constants = {"starts": starts, "ends": ends, "axes": [1], "steps": steps}
    size = len(range(3)[slice(starts[0], ends[0] if steps[0] > 0 else None, steps[0])])
    path = graph(tmp_path / "a.onnx", nodes, {"x": (np.float32, [2, 3])}, {"y": (np.float32, [2, size])}, constants)
    _, operators, _ = rewritten(path, "whole_slice", feed={"x": np.arange(6, dtype=np.float32).reshape(2, 3)})
    assert operators == {left: 1}


def test_concat_of_one_goes_and_of_several_loses_what_is_empty(tmp_path):
    nodes = [
        helper.make_node("Concat", ["x"], ["alone"], axis=0),
        helper.make_node("Concat", ["alone", "empty", "x"], ["y"], axis=0),
    ]
    path = graph(
        tmp_path / "a.onnx",
        nodes,
        {"x": (np.float32, [2, 3])},
        {"y": (np.float32, [4, 3])},
        {"empty": np.zeros((0, 3), np.float32)},
    )
    fired, operators, model = rewritten(path, "empty_parts", feed={"x": np.ones((2, 3), np.float32)})
    assert fired == {"empty_parts": 2}
    assert operators == {"Concat": 1}
    assert list(model.graph.node[0].input) == ["x", "x"]


def test_indices_become_int32_where_they_fit(tmp_path):
    nodes = [
        helper.make_node("Gather", ["x", "places"], ["picked"], axis=1),
        helper.make_node("Cast", ["which"], ["wide"], to=TensorProto.INT64),
        helper.make_node("Gather", ["picked", "wide"], ["chosen"], axis=0),
        helper.make_node("Slice", ["chosen", "one", "end", "one"], ["y"]),
    ]
    constants = {"places": np.array([2, 0]), "one": np.array([1]), "end": np.array([INT64_MAX])}
    inputs = {"x": (np.float32, [2, 3]), "which": (np.int32, [4])}
    path = graph(tmp_path / "a.onnx", nodes, inputs, {"y": (np.float32, [4, 1])}, constants)
    feed = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "which": np.array([1, 0, -1, 1], np.int32)}
    fired, operators, model = rewritten(path, "int32_indices", feed=feed)
    assert fired == {"int32_indices": 3}
    assert operators == {"Gather": 2, "Slice": 1}
    assert int64_names(model) == []


def test_arithmetic_on_indices_becomes_int32(tmp_path):
    # (argmax + small) * 2 - 1, compared and used as an index: provably below 2^31.
    nodes = [
        helper.make_node("ArgMax", ["x"], ["best"], axis=1, keepdims=0),
        helper.make_node("Cast", ["small"], ["wide"], to=TensorProto.INT64),
        helper.make_node("Add", ["best", "wide"], ["sum"]),
        helper.make_node("Mul", ["sum", "two"], ["double"]),
        helper.make_node("Sub", ["double", "one"], ["index"]),
        helper.make_node("Less", ["index", "limit"], ["low"]),
        helper.make_node("Gather", ["table", "index"], ["picked"], axis=0),
        helper.make_node("Cast", ["index"], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["picked", "as_float"], ["y"]),
    ]
    constants = {"two": np.array([2]), "one": np.array([1]), "limit": np.array([300])}
    constants["table"] = np.arange(1000, dtype=np.float32)
    inputs = {"x": (np.float32, [4, 5]), "small": (np.uint8, [4])}
    outputs = {"y": (np.float32, [4]), "low": (np.bool_, [4])}
    path = graph(tmp_path / "a.onnx", nodes, inputs, outputs, constants)
    feed = {"x": np.random.default_rng(1).random((4, 5), np.float32), "small": np.array([1, 7, 200, 255], np.uint8)}
    fired, operators, model = rewritten(path, "int32_arithmetic", "int32_indices", feed=feed)
    assert fired["int32_arithmetic"] >= 4
    assert int64_names(model) == ["best"]  # what ONNX demands of ArgMax
    assert operators["Cast"] == 3  # of best, of small, of the index for y


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([helper.make_node("Mul", ["wide", "large"], ["index"])], "may exceed 32 bits"),
        ([helper.make_node("Add", ["wide", "wide"], ["index"])], "may exceed 32 bits"),
    ],
)
def test_arithmetic_that_may_need_64_bits_is_left_alone(tmp_path, nodes, why):
    cast = helper.make_node("Cast", ["n"], ["wide"], to=TensorProto.INT64)
    end = helper.make_node("Cast", ["index"], ["y"], to=TensorProto.DOUBLE)
    constants = {"large": np.array([2**20])}
    path = graph(tmp_path / "a.onnx", [cast, *nodes, end], {"n": (np.int32, [2])}, {"y": (np.float64, [2])}, constants)
    feed = {"n": np.array([2**31 - 1, -(2**31)], np.int32)}
    fired, operators, _ = rewritten(path, "int32_arithmetic", feed=feed)
    assert fired == {"int32_arithmetic": 0}, why
    assert operators["Cast"] == 2


def test_int64_that_leaves_the_graph_stays(tmp_path):
    nodes = [
        helper.make_node("Cast", ["n"], ["wide"], to=TensorProto.INT64),
        helper.make_node("Add", ["wide", "one"], ["y"]),
    ]
    constants = {"one": np.array([1])}
    path = graph(tmp_path / "a.onnx", nodes, {"n": (np.uint8, [2])}, {"y": (np.int64, [2])}, constants)
    fired, _, _ = rewritten(path, "int32_arithmetic", "int32_indices", feed={"n": np.array([1, 255], np.uint8)})
    assert not any(fired.values())


def test_rewriting_twice_changes_nothing_and_equal_files_give_equal_bytes(rolled):
    first = rolled / "first.onnx"
    rewrite_onnx(rolled / "roll.onnx", first, [rule(name) for name in ALL])
    again = rolled / "again.onnx"
    rewrite_onnx(rolled / "roll.onnx", again, [rule(name) for name in ALL])
    assert first.read_bytes() == again.read_bytes()
    assert not any(rewrite_onnx(first, again, [rule(name) for name in ALL]).values())


@pytest.mark.parametrize("name", ALL)
def test_every_rule_says_what_it_is_called_and_what_it_is_good_for(name):
    found = rule(name)
    assert found.name == name
    assert len(found.reason.split()) > 8
    assert found.patterns()


def test_rules_that_undo_each_other_are_named(tmp_path):
    from onnxscript.rewriter import pattern

    there = pattern.RewriteRule(lambda op, x: op.Neg(x), lambda op, x: op.Abs(x))
    back = pattern.RewriteRule(lambda op, x: op.Abs(x), lambda op, x: op.Neg(x))
    nodes = [helper.make_node("Neg", ["x"], ["y"])]
    path = graph(tmp_path / "a.onnx", nodes, {"x": (np.float32, [2])}, {"y": (np.float32, [2])})
    rules = [Rule("there", "for a test", lambda: [there]), Rule("back", "for a test", lambda: [back])]
    with pytest.raises(HarnessError, match=r"rules=\[there, back\]: after 20 rounds they still fire"):
        rewrite_onnx(path, tmp_path / "b.onnx", rules)


def test_unknown_rule_is_refused_with_the_nearest_and_without_onnxscript():
    with pytest.raises(
        ConfigError, match=r"model\.graph\.rules=empty_part: no such graph rule; did you mean 'empty_parts'"
    ):
        check_rules(["whole_slice", "empty_part"])
    with pytest.raises(ConfigError, match="whole_slice is given twice"):
        check_rules(["whole_slice", "whole_slice"])
    program = (
        "import sys; from harness.graph.rules import check_rules; check_rules(['empty_parts', 'their.module:RULE']);"
        "sys.exit(any(name in sys.modules for name in ('onnxscript', 'onnx', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_names_another_thing_is_refused():
    with pytest.raises(ConfigError, match="that is not a graph rule"):
        rule("math:pi")

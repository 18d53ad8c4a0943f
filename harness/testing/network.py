"""The tiny network that a backend's contract is checked with, and files that no backend can run. Needs onnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness.backends.protocol import Array

BATCH, WIDTH, CLASSES = 2, 4, 3
OPSET = 11
"""What ATC of CANN 5.1 reads."""
IR_VERSION = 7
"""The file format that goes with ONNX 1.8 and later."""


@dataclass(frozen=True)
class Example:
    """A model file with inputs for it and the outputs that they must give, in the model's order."""

    model: Path
    inputs: Mapping[str, Array]
    outputs: Sequence[Array]


def tiny_network(folder: Path) -> Example:
    """Write ``tiny.onnx``: ``scores = relu(x @ weight + bias) + offset`` and ``doubled = 2 * x``, float32, opset 11.

    ``x`` is (2, 4), ``offset`` (2, 3). The node of ``doubled`` comes first in the file, its output last: a backend that
    gives outputs in the order of nodes or names mixes them up. The expected outputs are computed by NumPy.
    """
    generator = np.random.Generator(np.random.PCG64(0))

    def draw(*shape: int) -> Array:
        return generator.standard_normal(shape, dtype=np.float32)

    inputs = {"x": draw(BATCH, WIDTH), "offset": draw(BATCH, CLASSES)}
    weight, bias = draw(WIDTH, CLASSES), draw(CLASSES)
    nodes = [
        helper.make_node("Add", ["x", "x"], ["doubled"]),
        helper.make_node("Gemm", ["x", "weight", "bias"], ["affine"]),
        helper.make_node("Relu", ["affine"], ["positive"]),
        helper.make_node("Add", ["positive", "offset"], ["scores"]),
    ]
    scores = np.maximum(inputs["x"] @ weight + bias, 0) + inputs["offset"]
    path = _save(
        folder / "tiny.onnx",
        nodes,
        {name: array.shape for name, array in inputs.items()},
        {"scores": (BATCH, CLASSES), "doubled": (BATCH, WIDTH)},
        {"weight": weight, "bias": bias},
    )
    return Example(path, inputs, [scores, inputs["x"] * 2])


def unknown_operator(folder: Path) -> Path:
    """Write a model with an operator that no runtime has."""
    node = helper.make_node("HarnessContractUnknown", ["x"], ["y"])
    return _save(folder / "unknown.onnx", [node], {"x": (1,)}, {"y": (1,)}, {})


def _save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, ...]],
    outputs: Mapping[str, tuple[int, ...]],
    constants: Mapping[str, Array],
) -> Path:
    graph = helper.make_graph(
        list(nodes),
        "contract",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION), path)
    return path

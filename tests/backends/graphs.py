"""Small ONNX files that tests make for themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def save(path: Path, nodes: list, inputs: dict, outputs: dict, constants: dict | None = None, **options) -> Path:
    """Write a model; inputs and outputs map names to (type, shape), constants to arrays."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, *value) for name, value in inputs.items()],
        [helper.make_tensor_value_info(name, *value) for name, value in outputs.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    imports = [helper.make_opsetid("", options.get("opset", 11)), *options.get("imports", [])]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=7), path)
    return path


def two_outputs(path: Path) -> Path:
    """y = x @ w and z = relu(x), declared in that order; x is float32 (2, 3), w is arange(12) as (3, 4)."""
    return save(
        path,
        [helper.make_node("Relu", ["x"], ["z"]), helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": (FLOAT, [2, 3])},
        {"y": (FLOAT, [2, 4]), "z": (FLOAT, [2, 3])},
        {"w": np.arange(12, dtype=np.float32).reshape(3, 4)},
    )


def unknown_operator(path: Path, domain: str = "") -> Path:
    """A node that no runtime knows."""
    imports = [helper.make_opsetid(domain, 1)] if domain else []
    node = helper.make_node("Foo", ["x"], ["y"], domain=domain)
    return save(path, [node], {"x": (FLOAT, [2])}, {"y": (FLOAT, [2])}, imports=imports)


def future_opset(path: Path) -> Path:
    """A model of an opset that does not exist yet."""
    return save(path, [helper.make_node("Relu", ["x"], ["y"])], {"x": (FLOAT, [2])}, {"y": (FLOAT, [2])}, opset=99)


def too_large(path: Path) -> Path:
    """Expands one number to 16 TiB."""
    nodes = [helper.make_node("Expand", ["x", "s"], ["e"]), helper.make_node("ReduceSum", ["e"], ["y"], keepdims=0)]
    shape = np.full(3, 1 << 14, dtype=np.int64)
    return save(path, nodes, {"x": (FLOAT, [1, 1, 1])}, {"y": (FLOAT, [])}, {"s": shape})

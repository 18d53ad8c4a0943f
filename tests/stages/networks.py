"""Networks of many kinds, as users bring them: each is a small ONNX file with something particular about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, FLOAT16, INT64, BOOL = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64, TensorProto.BOOL
RNG = np.random.default_rng(0)


def write(path: Path, nodes: list, inputs: dict, outputs: dict, constants: dict | None = None, **facts) -> Path:
    """Save a model; inputs and outputs map names to (type, shape), constants to arrays."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, *value) for name, value in inputs.items()],
        [helper.make_tensor_value_info(name, *value) for name, value in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()],
    )
    opset = [helper.make_opsetid("", facts.get("opset", 17)), *facts.get("imports", [])]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=facts.get("ir", 8)), path)
    return path


def weights(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return (RNG.standard_normal(shape) / max(1, np.prod(shape[1:])) ** 0.5).astype(dtype)


def dynamic_batch(path: Path, opset: int = 17) -> Path:
    """A small convolutional classifier; the batch is called N."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "v"], ["y"]),
    ]
    constants = {"w": weights(8, 3, 3, 3), "v": weights(8, 10)}
    return write(path, nodes, {"x": (FLOAT, ["N", 3, 16, 16])}, {"y": (FLOAT, ["N", 10])}, constants, opset=opset)


def dynamic_height(path: Path) -> Path:
    """Any image: batch, height and width are open, and the output follows."""
    node = helper.make_node("Conv", ["image", "w"], ["y"], pads=[1, 1, 1, 1])
    shape = ["batch", 3, "height", "width"]
    return write(
        path, [node], {"image": (FLOAT, shape)}, {"y": (FLOAT, ["batch", 4, None, None])}, {"w": weights(4, 3, 3, 3)}
    )


def unnamed_axes(path: Path) -> Path:
    """Open axes without names, one of them written as -1."""
    node = helper.make_node("Relu", ["x"], ["y"])
    return write(path, [node], {"x": (FLOAT, [None, 3, -1])}, {"y": (FLOAT, [None, 3, None])})


def language(path: Path) -> Path:
    """Tokens and a mask, both int64: an embedding, a masked mean, a matrix."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"], axis=0),
        helper.make_node("Cast", ["mask"], ["m"], to=FLOAT),
        helper.make_node("Unsqueeze", ["m", "last"], ["mm"]),
        helper.make_node("Mul", ["e", "mm"], ["em"]),
        helper.make_node("ReduceMean", ["em"], ["h"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["h", "v"], ["logits"]),
    ]
    constants = {"table": weights(1000, 16), "last": np.array([-1]), "v": weights(16, 5)}
    shape = ["batch_size", "sequence"]
    inputs = {"ids": (INT64, shape), "mask": (INT64, shape)}
    return write(path, nodes, inputs, {"logits": (FLOAT, ["batch_size", 5])}, constants)


def several_inputs(path: Path) -> Path:
    """An image, boxes that belong to no batch, and a flag."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["m"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("ReduceMean", ["anchors"], ["a"], keepdims=0),
        helper.make_node("Add", ["m", "a"], ["s"]),
        helper.make_node("Neg", ["s"], ["n"]),
        helper.make_node("Where", ["flip", "n", "s"], ["y"]),
    ]
    inputs = {"image": (FLOAT, ["N", 3, 8, 8]), "anchors": (FLOAT, [100, 4]), "flip": (BOOL, [1])}
    return write(path, nodes, inputs, {"y": (FLOAT, ["N", 1, 1, 1])})


def half(path: Path) -> Path:
    """float16 throughout."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Relu", ["c"], ["y"])]
    constants = {"w": weights(4, 3, 3, 3, dtype=np.float16)}
    return write(path, nodes, {"x": (FLOAT16, ["N", 3, 8, 8])}, {"y": (FLOAT16, ["N", 4, 6, 6])}, constants)


def labels(path: Path) -> Path:
    """The largest class of each sample: an integer output."""
    nodes = [
        helper.make_node("MatMul", ["x", "v"], ["l"]),
        helper.make_node("ArgMax", ["l"], ["y"], axis=1, keepdims=0),
    ]
    return write(path, nodes, {"x": (FLOAT, ["N", 6])}, {"y": (INT64, ["N"])}, {"v": weights(6, 9)})


def baked_batch(path: Path, declared: str | None = "N") -> Path:
    """The batch of the input is open, but a Reshape in the graph is for one sample; the output need not say so."""
    nodes = [helper.make_node("Reshape", ["x", "s"], ["r"], name="flatten"), helper.make_node("Relu", ["r"], ["y"])]
    return write(path, nodes, {"x": (FLOAT, ["N", 4, 4])}, {"y": (FLOAT, [declared, 16])}, {"s": np.array([1, 16])})


def merged_batch(path: Path) -> Path:
    """A Reshape that runs with any batch, and makes one sample of it."""
    nodes = [helper.make_node("Reshape", ["x", "s"], ["r"], name="flatten"), helper.make_node("Relu", ["r"], ["y"])]
    return write(path, nodes, {"x": (FLOAT, ["N", 4, 4])}, {"y": (FLOAT, ["N", 16])}, {"s": np.array([1, -1])})


def scalar(path: Path) -> Path:
    """A threshold without any dimension."""
    node = helper.make_node("Greater", ["x", "threshold"], ["y"])
    return write(path, [node], {"x": (FLOAT, ["N", 8]), "threshold": (FLOAT, [])}, {"y": (BOOL, ["N", 8])})


def baked_state(path: Path) -> Path:
    """The same by a Concat with a state of one sample."""
    node = helper.make_node("Concat", ["x", "state"], ["y"], axis=1, name="join")
    return write(path, [node], {"x": (FLOAT, ["N", 4])}, {"y": (FLOAT, ["N", 7])}, {"state": weights(1, 3)})


def fixed_batch(path: Path) -> Path:
    """Exported for four samples."""
    node = helper.make_node("MatMul", ["x", "v"], ["y"])
    return write(path, [node], {"x": (FLOAT, [4, 6])}, {"y": (FLOAT, [4, 2])}, {"v": weights(6, 2)})


def recurrent(path: Path) -> Path:
    """An LSTM whose state has the batch on its second axis."""
    node = helper.make_node("LSTM", ["x", "w", "r", "", "", "h", "c"], ["y"], hidden_size=4)
    inputs = {"x": (FLOAT, ["sequence", "batch", 3]), "h": (FLOAT, [1, "batch", 4]), "c": (FLOAT, [1, "batch", 4])}
    constants = {"w": weights(1, 16, 3), "r": weights(1, 16, 4)}
    return write(path, [node], inputs, {"y": (FLOAT, None)}, constants)


def outside_data(path: Path) -> Path:
    """Its weights lie in net.bin beside it."""
    model = onnx.load(dynamic_batch(path))
    onnx.save(model, path, save_as_external_data=True, location="net.bin", size_threshold=0)
    return path


def foreign_operator(path: Path, domain: str = "my.ops") -> Path:
    imports = [helper.make_opsetid(domain, 1)] if domain else []
    node = helper.make_node("Swirl", ["x"], ["y"], domain=domain)
    return write(path, [node], {"x": (FLOAT, ["N", 3])}, {"y": (FLOAT, ["N", 3])}, imports=imports)


def without_inputs(path: Path) -> Path:
    node = helper.make_node("Relu", ["w"], ["y"])
    return write(path, [node], {}, {"y": (FLOAT, [2])}, {"w": weights(2)})


def strings(path: Path) -> Path:
    node = helper.make_node("Identity", ["x"], ["y"])
    return write(path, [node], {"x": (TensorProto.STRING, ["N"])}, {"y": (TensorProto.STRING, ["N"])})


def sequence(path: Path) -> Path:
    graph = helper.make_graph(
        [helper.make_node("SequenceAt", ["x", "i"], ["y"])],
        "test",
        [helper.make_tensor_sequence_value_info("x", FLOAT, [2])],
        [helper.make_tensor_value_info("y", FLOAT, [2])],
        [numpy_helper.from_array(np.array(0), "i")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def logarithm(path: Path) -> Path:
    """Half of its outputs are NaN for random inputs."""
    return write(path, [helper.make_node("Log", ["x"], ["y"])], {"x": (FLOAT, ["N", 64])}, {"y": (FLOAT, ["N", 64])})


def selection(path: Path) -> Path:
    """The shape of its output depends on the data."""
    node = helper.make_node("NonZero", ["x"], ["y"])
    return write(path, [node], {"x": (FLOAT, ["N", 4])}, {"y": (INT64, [2, "found"])})


def optional(path: Path) -> Path:
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, [2]))
    graph = helper.make_graph(
        [helper.make_node("OptionalGetElement", ["x"], ["y"])],
        "test",
        [helper.make_value_info("x", kind)],
        [helper.make_tensor_value_info("y", FLOAT, [2])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def brain_float(path: Path) -> Path:
    kind = TensorProto.BFLOAT16
    return write(path, [helper.make_node("Relu", ["x"], ["y"])], {"x": (kind, ["N", 3])}, {"y": (kind, ["N", 3])})


def odd_names(path: Path) -> Path:
    """Names as TensorFlow gives them, which no key of a command line can be."""
    node = helper.make_node("Relu", ["in:0"], ["y"])
    return write(path, [node], {"in:0": (FLOAT, ["N", None, 2])}, {"y": (FLOAT, ["N", None, 2])})


def restamped(path: Path, opset: int, ir: int) -> Path:
    """A file that says it is of another version."""
    model = onnx.load(dynamic_batch(path))
    model.opset_import[0].version = opset
    model.ir_version = ir
    onnx.save(model, path)
    return path


def two_types(path: Path, dtype: type, size: int = 10) -> Path:
    """Weights of float32 and, ``size`` times as many rows, of another type."""
    nodes = [
        helper.make_node("Cast", ["u"], ["v"], to=FLOAT),
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Add", ["h", "v"], ["y"]),
    ]
    constants = {"w": weights(8, 8), "u": np.ones((size, 8), dtype=dtype)}
    return write(path, nodes, {"x": (FLOAT, ["N", 8])}, {"y": (FLOAT, None)}, constants)

"""What an ONNX file holds, without running it and without torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import onnx

from harness.graph.constants import constant_value, identify, nodes

DATA_DEPENDENT = frozenset({"Shape", "Loop", "If", "NonZero", "ScatterND"})
"""Operators that a network of static shape does not need and that NPU compilers handle badly or not at all."""


@dataclass(frozen=True)
class TensorSummary:
    """An input or output: name, element type in NumPy's words, and shape; a dimension that is not fixed is a string."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class GraphSummary:
    """The facts of a graph that records and tests look at.

    Attributes:
        nodes: number of nodes, subgraphs included.
        operators: how often each operator occurs, most frequent first; those of other domains as ``domain::name``.
        opset: version of the standard operators.
        inputs, outputs: in the file's order; initializers are no inputs.
        constant_bytes: size of all constants, those outside the file included.
        duplicate_constants: constants that repeat another one of the same type, shape and content.
    """

    nodes: int
    operators: dict[str, int]
    opset: int
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    constant_bytes: int
    duplicate_constants: int

    @property
    def dynamic_dimensions(self) -> tuple[str, ...]:
        """The named or unknown dimensions of inputs and outputs as ``tensor[axis]``."""
        return tuple(
            f"{tensor.name}[{axis}]"
            for tensor in (*self.inputs, *self.outputs)
            for axis, size in enumerate(tensor.shape)
            if isinstance(size, str)
        )

    @property
    def data_dependent_operators(self) -> tuple[str, ...]:
        """Those of ``DATA_DEPENDENT`` that occur."""
        return tuple(sorted(DATA_DEPENDENT & self.operators.keys()))


def inspect_onnx(path: Path) -> GraphSummary:
    """Read the file (not the tensors that lie outside it) and count.

    Raises:
        google.protobuf.message.DecodeError: no ONNX file.
        OSError: cannot be read.
    """
    return summarise(onnx.load(str(path), load_external_data=False))


def summarise(model: onnx.ModelProto) -> GraphSummary:
    """The summary of a model in memory."""
    graph = model.graph
    every = list(nodes(graph))
    constants = [*graph.initializer, *(value for value in map(constant_value, every) if value is not None)]
    identities = [identity for identity in map(identify, constants) if identity is not None]
    operators = Counter(
        node.op_type if node.domain in {"", "ai.onnx"} else f"{node.domain}::{node.op_type}" for node in every
    )
    initialized = {tensor.name for tensor in graph.initializer}
    return GraphSummary(
        nodes=len(every),
        operators=dict(operators.most_common()),
        opset=next((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), 0),
        inputs=tuple(_tensor(value) for value in graph.input if value.name not in initialized),
        outputs=tuple(_tensor(value) for value in graph.output),
        constant_bytes=sum(map(_size_bytes, constants)),
        duplicate_constants=len(identities) - len(set(identities)),
    )


def _tensor(value: onnx.ValueInfoProto) -> TensorSummary:
    kind = value.type.tensor_type
    shape = tuple(
        int(size.dim_value) if size.HasField("dim_value") else size.dim_param or "?" for size in kind.shape.dim
    )
    return TensorSummary(value.name, _dtype(kind.elem_type), shape)


def _dtype(element_type: int) -> str:
    return str(onnx.helper.tensor_dtype_to_np_dtype(element_type)) if element_type else "?"


def _size_bytes(tensor: onnx.TensorProto) -> int:
    count = 1
    for size in tensor.dims:
        count *= size
    if tensor.data_type == onnx.TensorProto.STRING:
        return sum(map(len, tensor.string_data))
    return count * int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)

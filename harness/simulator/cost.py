"""What a graph costs: multiplications, and the bytes that are live at once. The stand-ins' times and memory follow it.

Sizes come from ONNX's shape inference; a tensor of unknown shape counts as nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

VALUE_BYTES = 2
"""A float on the device: ATC makes float16 of it, and counts every other type alike here."""


@dataclass(frozen=True)
class Cost:
    """Multiply-accumulates of one run, bytes of the weights, and the largest sum of live tensors in bytes."""

    macs: int
    weight_bytes: int
    live_bytes: int


def cost(model: ModelProto) -> Cost:
    """The cost of a model whose shapes are fixed or can be inferred."""
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(model).graph
    shapes = _shapes(graph)
    weights = sum(math.prod(tensor.dims) for tensor in graph.initializer)
    return Cost(sum(_macs(node, shapes) for node in graph.node), VALUE_BYTES * weights, _live_bytes(graph, shapes))


def _shapes(graph: GraphProto) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor_type = value.type.tensor_type
        if tensor_type.HasField("shape"):
            found[value.name] = tuple(max(1, dimension.dim_value) for dimension in tensor_type.shape.dim)
    return found


def _macs(node: NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Multiply-accumulates of a node: exact for products and convolutions, one an element for the rest."""
    made = math.prod(shapes.get(node.output[0], (0,))) if node.output else 0
    first, second = (shapes.get(name, ()) for name in (*node.input, "", "")[:2])
    if node.op_type == "MatMul" and first:
        return made * first[-1]
    if node.op_type == "Gemm" and len(second) == 2:
        transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        return made * second[1 if transposed else 0]
    if node.op_type == "Conv" and second:
        return made * math.prod(second[1:])
    if node.op_type == "ConvTranspose" and second:
        return math.prod(first) * math.prod(second[1:])
    return made // 8


def _live_bytes(graph: GraphProto, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """The largest sum of tensors that are made and not yet read for the last time."""
    last = {name: index for index, node in enumerate(graph.node) for name in node.input}
    weights = {tensor.name for tensor in graph.initializer}
    live = {value.name: _bytes(shapes, value.name) for value in graph.input if value.name not in weights}
    largest = 0
    for index, node in enumerate(graph.node):
        live |= {name: _bytes(shapes, name) for name in node.output}
        largest = max(largest, sum(live.values()))
        for name in {*node.input, *node.output}:
            if last.get(name, -1) <= index:
                live.pop(name, None)
    return largest


def _bytes(shapes: Mapping[str, tuple[int, ...]], name: str) -> int:
    return VALUE_BYTES * math.prod(shapes.get(name, (0,)))

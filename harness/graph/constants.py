"""One home for each constant of a graph: no ``Constant`` nodes, no tensor stored twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import onnx
from onnx import numpy_helper

Identity = tuple[int, tuple[int, ...], bytes]
"""Element type, shape and hash of the content."""


def share_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """Turn the ``Constant`` nodes of the main graph into initializers and merge the initializers that are equal.

    Equal means the same element type, shape and bytes. Changes ``model`` in place and returns it. Graph inputs and
    outputs keep their names; constants inside subgraphs stay where they are, but follow the renaming.
    """
    graph = model.graph
    _lift_constant_nodes(graph)
    fixed = {value.name for value in graph.output} | {value.name for value in graph.input}
    kept: dict[Identity, str] = {}
    renamed: dict[str, str] = {}
    survivors = []
    for tensor in graph.initializer:
        identity = identify(tensor)
        if identity is None or tensor.name in fixed:
            survivors.append(tensor)
        elif identity in kept:
            renamed[tensor.name] = kept[identity]
        else:
            kept[identity] = tensor.name
            survivors.append(tensor)
    if renamed:
        _replace(graph.initializer, survivors)
        _rename_inputs(graph, renamed)
        _replace(graph.value_info, [value for value in graph.value_info if value.name not in renamed])
    return model


def identify(tensor: onnx.TensorProto) -> Identity | None:
    """What two tensors must share to be one; None for a tensor whose data lies outside the file or is text."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.data_type == onnx.TensorProto.STRING:
        return None
    content = tensor.raw_data or numpy_helper.to_array(tensor).tobytes()
    return tensor.data_type, tuple(tensor.dims), hashlib.sha256(content).digest()


def constant_value(node: onnx.NodeProto) -> onnx.TensorProto | None:
    """The tensor that a ``Constant`` node holds, None where it is no dense tensor."""
    attribute = node.attribute[0] if node.op_type == "Constant" and node.domain in {"", "ai.onnx"} else None
    if attribute is None or attribute.name != "value":
        return None
    return attribute.t


def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node of a graph and of its subgraphs."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from nodes(inner)


def _lift_constant_nodes(graph: onnx.GraphProto) -> None:
    """Make an initializer of each ``Constant`` node of the main graph, in the order of the nodes."""
    outputs = {value.name for value in graph.output}
    remaining = []
    for node in graph.node:
        value = constant_value(node)
        if value is None or node.output[0] in outputs:
            remaining.append(node)
            continue
        tensor = graph.initializer.add()
        tensor.CopyFrom(value)
        tensor.name = node.output[0]
        tensor.ClearField("doc_string")
    if len(remaining) != len(graph.node):
        _replace(graph.node, remaining)


def _rename_inputs(graph: onnx.GraphProto, renamed: Mapping[str, str]) -> None:
    for node in nodes(graph):
        for index, name in enumerate(node.input):
            if name in renamed:
                node.input[index] = renamed[name]
    for annotation in graph.quantization_annotation:
        annotation.tensor_name = renamed.get(annotation.tensor_name, annotation.tensor_name)


def _replace(field: object, values: list[object]) -> None:
    """Put other values into a repeated protobuf field."""
    copies = list(values)
    del field[:]  # type: ignore[attr-defined]
    field.extend(copies)  # type: ignore[attr-defined]

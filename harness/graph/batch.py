"""Giving a graph another batch size, where nothing but its inputs says what the batch is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import onnx

from harness.errors import UnsupportedError

LIGHT_ELEMENTS = 1024
"""Constants up to this size may hold shapes and are kept for shape inference; larger ones count by their type alone."""


def set_batch(model: onnx.ModelProto, batch: Sequence[int]) -> onnx.ModelProto:
    """Set the first axes of every input of a one-sample graph to ``batch``, and the outputs to what follows; in place.

    ``batch`` has one size for each leading axis that counts independent samples: ``[4]``, or ``[4, 12]`` for four
    videos of twelve views. An output has all of them in its first axis.

    Raises:
        UnsupportedError: an output does not grow with the batch: the graph holds its batch size as a constant, or
            shapes that depend on data.
    """
    graph = model.graph
    initialized = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        if value.name not in initialized:
            for size, axis in zip(batch, value.type.tensor_type.shape.dim, strict=False):
                axis.dim_value = size
    single = {value.name: static_shape(value) for value in graph.output}
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    del graph.value_info[:]
    shapes = infer_output_shapes(model)
    for value in graph.output:
        before, after = single[value.name], shapes[value.name]
        if not before or not after or after != (before[0] * math.prod(batch), *before[1:]):
            raise UnsupportedError(
                f"batchsize={batch[0]}: output {value.name} has the shape {before} for one sample and {after} for the "
                "batch; a network that is batch_free must not hold the batch size in its graph"
            )
        for size in after:
            value.type.tensor_type.shape.dim.add().dim_value = size
    return model


def infer_output_shapes(model: onnx.ModelProto) -> Mapping[str, tuple[int, ...] | None]:
    """The shape of each output by ONNX shape inference; None where a dimension stays open.

    Raises:
        UnsupportedError: the shapes of the graph contradict each other.
    """
    light = without_weights(model)
    try:
        inferred = onnx.shape_inference.infer_shapes(light, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        reason = " ".join(str(error).split())[:200]
        raise UnsupportedError(f"the shapes of the graph contradict each other: {reason}") from error
    return {value.name: static_shape(value) for value in inferred.graph.output}


def static_shape(value: onnx.ValueInfoProto) -> tuple[int, ...] | None:
    """The sizes of a tensor's axes, None where one is not known."""
    kind = value.type.tensor_type
    if not kind.HasField("shape") or not all(size.HasField("dim_value") for size in kind.shape.dim):
        return None
    return tuple(int(size.dim_value) for size in kind.shape.dim)


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose large constants are inputs of the same type: inference then copies no weights."""
    light = onnx.ModelProto()
    light.ir_version = model.ir_version
    light.opset_import.extend(model.opset_import)
    light.functions.extend(model.functions)
    light.graph.name = model.graph.name
    light.graph.node.extend(model.graph.node)
    light.graph.input.extend(model.graph.input)
    light.graph.output.extend(model.graph.output)
    present = {value.name for value in model.graph.input}
    for tensor in model.graph.initializer:
        count = 1
        for size in tensor.dims:
            count *= size
        if count <= LIGHT_ELEMENTS:
            light.graph.initializer.add().CopyFrom(tensor)
        elif tensor.name not in present:
            light.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return light

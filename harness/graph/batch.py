"""Giving a graph another batch size, where nothing but its inputs says what the batch is."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from harness.errors import UnsupportedError

LIGHT_ELEMENTS = 1024
"""Constants up to this size may hold shapes and are kept for shape inference; larger ones count by their type alone."""


def set_batch(model: onnx.ModelProto, batch: int) -> onnx.ModelProto:
    """Set the first axis of every input to ``batch`` and every output to what follows from it; in place.

    Raises:
        UnsupportedError: the shapes of the outputs do not follow: the graph holds its batch size as a constant, or
            shapes that depend on data.
    """
    initialized = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        if value.name not in initialized and value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_value = batch
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    shapes = infer_output_shapes(model)
    for value in model.graph.output:
        sizes = shapes[value.name]
        if sizes is None:
            raise UnsupportedError(
                f"batchsize={batch}: the shape of output {value.name} does not follow from the inputs"
            )
        for size in sizes:
            value.type.tensor_type.shape.dim.add().dim_value = size
    return model


def infer_output_shapes(model: onnx.ModelProto) -> Mapping[str, tuple[int, ...] | None]:
    """The shape of each output by ONNX shape inference; None where a dimension stays open.

    Raises:
        UnsupportedError: the shapes of the graph contradict each other.
    """
    light = _without_weights(model)
    try:
        inferred = onnx.shape_inference.infer_shapes(light, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        reason = " ".join(str(error).split())[:200]
        raise UnsupportedError(f"the shapes of the graph contradict each other: {reason}") from error
    return {value.name: _static_shape(value) for value in inferred.graph.output}


def _static_shape(value: onnx.ValueInfoProto) -> tuple[int, ...] | None:
    kind = value.type.tensor_type
    if not kind.HasField("shape") or not all(size.HasField("dim_value") for size in kind.shape.dim):
        return None
    return tuple(int(size.dim_value) for size in kind.shape.dim)


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
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

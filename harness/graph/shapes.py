"""Giving the inputs of any ONNX graph static shapes, and its other values what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from harness.graph.batch import without_weights


def set_shapes(model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Write a static shape into each input that ``shapes`` names, in place; returns whether that changed anything.

    Where it did, everything that was known of shapes behind the inputs is dropped and inferred anew: an output whose
    shape depends on data keeps its rank with open dimensions, and what inference cannot follow keeps its declared rank.
    A contradiction, such as a batch size held as a constant, is left for the runtime to find: it names the node.
    """
    changed = False
    for value in model.graph.input:
        if value.name in shapes:
            shape = value.type.tensor_type.shape
            wanted = [int(size) for size in shapes[value.name]]
            if [size.dim_value if size.HasField("dim_value") else None for size in shape.dim] != wanted:
                changed = True
                del shape.dim[:]
                for size in wanted:
                    shape.dim.add().dim_value = size
    if changed:
        _infer_outputs(model)
    return changed


def _infer_outputs(model: onnx.ModelProto) -> None:
    del model.graph.value_info[:]
    declared = {value.name: onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in model.graph.output}
    arrays = [value for value in model.graph.output if value.type.WhichOneof("value") == "tensor_type"]
    for value in arrays:
        value.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(without_weights(model), strict_mode=False, data_prop=True)
    except onnx.shape_inference.InferenceError:
        inferred = model
    found = {value.name: value.type.tensor_type for value in inferred.graph.output}
    for value in arrays:
        kind = value.type.tensor_type
        if found[value.name].HasField("shape"):
            kind.shape.CopyFrom(found[value.name].shape)
        elif declared[value.name].type.tensor_type.HasField("shape"):
            for _ in declared[value.name].type.tensor_type.shape.dim:
                kind.shape.dim.add().dim_param = ""

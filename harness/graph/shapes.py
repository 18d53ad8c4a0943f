"""Giving the inputs of any ONNX graph static shapes, and its other values what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

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


def write_with_shapes(source: Path, target: Path, shapes: Mapping[str, Sequence[int]]) -> None:
    """Write a copy of an ONNX file whose inputs have the given static shapes, by `set_shapes`."""
    model = onnx.load(str(source))
    set_shapes(model, shapes)
    onnx.save(model, str(target))


def write_static(source: Path, target: Path, shapes: Mapping[str, Sequence[int]]) -> Path:
    """The file itself where its inputs have these static shapes already, else ``target``, a copy that has them."""
    model = onnx.load(str(source))
    if not set_shapes(model, shapes):
        return source
    onnx.save(model, str(target))
    return target


def batch_lost(before: onnx.GraphProto, after: onnx.GraphProto) -> str | None:
    """An output that the file declares to have its inputs' batch, and that does not have it; None where there is none.

    A Reshape to [1, -1] runs with any batch and makes one long sample of it.

    Args:
        before: the graph as the file has it, with open dimensions.
        after: the same with static inputs.
    """
    declared = {value.name: _sizes(value) for value in (*before.input, *before.output)}
    batches = {}
    for value in after.input:
        old, new = declared[value.name], _sizes(value)
        if old and new and isinstance(old[0], str):
            batches[old[0]] = new[0]
    for value in after.output:
        old, new = declared[value.name], _sizes(value)
        if old and new and old[0] in batches and isinstance(new[0], int) and new[0] != batches[old[0]]:
            return f"output {value.name} is declared {_shown(old)} and becomes {_shown(new)}"
    return None


def _sizes(value: onnx.ValueInfoProto) -> list[int | str | None]:
    return [
        int(size.dim_value) if size.HasField("dim_value") else size.dim_param or None
        for size in value.type.tensor_type.shape.dim
    ]


def _shown(sizes: Sequence[int | str | None]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in sizes) + "]"


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

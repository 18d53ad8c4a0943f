"""What an ONNX file says of itself before anything runs: inputs, outputs, opset, arithmetic, origin of its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from pydantic import TypeAdapter

from harness.errors import UnsupportedError
from harness.models.onnx_read import read_onnx, stored_bytes
from harness.records.schema import Weights

PRECISIONS = {
    "float32": "fp32",
    "float16": "fp16",
    "bfloat16": "bf16",
    "float64": "fp64",
    "int8": "int8",
    "uint8": "int8",
    "int4": "int4",
    "uint4": "int4",
}
"""How tables call the arithmetic of a network whose weights are of an element type."""

_WEIGHTS = TypeAdapter(Weights)

NEGLIGIBLE = 0.05
"""The share of the constants' bytes below which an element type does not count: scales, norms, shapes."""

WEIGHTS_KEY = "harness.weights"
"""The key among a file's metadata under which the harness notes what weights it exported, as JSON."""

FOLLOWED = frozenset({"Cast", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Transpose"})
"""Operators that leave integers what they are on their way to a Gather."""


@dataclass(frozen=True)
class FileInput:
    """An input as the file declares it.

    Attributes:
        name: of the input.
        dtype: element type in NumPy's words (``bfloat16`` and the like included).
        shape: a number, a dimension's name, or None for an open dimension without a name.
        rows: how many rows has the smallest table that the values pick from (Gather); None where they pick from none.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]
    rows: int | None = None


@dataclass(frozen=True)
class OnnxFile:
    """The facts of an ONNX file that decide how it is measured.

    Attributes:
        path: where it lies.
        inputs, outputs: in the file's order.
        opset: version of the standard operators.
        precision: what tables call its arithmetic: ``fp32``, ``fp16``, ``int8``, ``mixed``, ...
    """

    path: Path
    inputs: tuple[FileInput, ...]
    outputs: tuple[str, ...]
    opset: int
    precision: str


def describe_onnx(path: Path) -> OnnxFile:
    """Read and describe a file.

    Raises:
        ConfigError: as ``harness.models.onnx_read.read_onnx``.
        UnsupportedError: it has no inputs, or one that is no plain array of known rank.
    """
    model = read_onnx(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    values = [value for value in model.graph.input if value.name not in constants]
    if not values:
        raise UnsupportedError(f"model.file={path}: the graph has no inputs, so there is nothing to feed it with")
    rows = _table_rows(model.graph)
    inputs = tuple(_input(value, rows.get(value.name), path) for value in values)
    return OnnxFile(
        path=path,
        inputs=inputs,
        outputs=tuple(value.name for value in model.graph.output),
        opset=next((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), 0),
        precision=_precision(stored_bytes(model), inputs),
    )


def note_weights(path: Path, weights: Mapping[str, Any]) -> None:
    """Write into an ONNX file what its weights are, so that it can be carried elsewhere and still say so.

    Appends to the file: a serialized message after another one of the same type is merged into it (protobuf encoding,
    "Last One Wins").
    """
    note = onnx.ModelProto()
    entry = note.metadata_props.add()
    entry.key, entry.value = WEIGHTS_KEY, json.dumps(dict(weights), sort_keys=True)
    with path.open("ab") as file:
        file.write(note.SerializeToString())


def noted_weights(model: onnx.ModelProto) -> Mapping[str, Any] | None:
    """What ``note_weights`` wrote, as plain values for a record; None where nothing, or nothing readable, was."""
    noted = next((entry.value for entry in reversed(model.metadata_props) if entry.key == WEIGHTS_KEY), None)
    try:
        return _WEIGHTS.dump_python(_WEIGHTS.validate_json(noted), mode="json") if noted else None
    except ValueError:
        return None


def _input(value: onnx.ValueInfoProto, rows: int | None, path: Path) -> FileInput:
    sort = value.type.WhichOneof("value")
    where = f"model.file={path}: input {value.name}"
    if sort != "tensor_type":
        words = (sort or "unknown").removesuffix("_type").replace("_", " ")
        raise UnsupportedError(f"{where} is of the type {words}; only arrays can be generated")
    tensor = value.type.tensor_type
    if tensor.elem_type == onnx.TensorProto.STRING:
        raise UnsupportedError(f"{where} takes strings; only numbers can be generated")
    if not tensor.HasField("shape"):
        raise UnsupportedError(f"{where} does not say how many dimensions it has; export the file with shapes")
    shape = tuple(_size(dimension) for dimension in tensor.shape.dim)
    return FileInput(value.name, str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)), shape, rows)


def _size(dimension: onnx.TensorShapeProto.Dimension) -> int | str | None:
    """A size, a name, or None; exporters also write -1 and 0 for what is open."""
    if dimension.HasField("dim_value") and dimension.dim_value > 0:
        return int(dimension.dim_value)
    return dimension.dim_param or None


def _precision(constants: Mapping[str, int], inputs: tuple[FileInput, ...]) -> str:
    """By the element types that most of the constants are of; without any, by the first input of such a type."""
    weighty = {PRECISIONS[dtype]: 0 for dtype in constants if dtype in PRECISIONS}
    for dtype, size_bytes in constants.items():
        if dtype in PRECISIONS:
            weighty[PRECISIONS[dtype]] += size_bytes
    total = sum(weighty.values())
    kept = [name for name, size_bytes in weighty.items() if total and size_bytes / total >= NEGLIGIBLE]
    if not kept:
        return next((PRECISIONS[each.dtype] for each in inputs if each.dtype in PRECISIONS), "fp32")
    return kept[0] if len(kept) == 1 else "mixed"


def _table_rows(graph: onnx.GraphProto) -> dict[str, int]:
    """By value name, the rows of the smallest constant that its integers index in a Gather of the main graph."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            shapes[node.output[0]] = tuple(node.attribute[0].t.dims)
    rows: dict[str, int] = {}
    for node in reversed(graph.node):  # consumers stand behind producers
        if node.op_type == "Gather" and node.input[0] in shapes:
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
            table = shapes[node.input[0]]
            if -len(table) <= axis < len(table):
                rows[node.input[1]] = min(table[axis], rows.get(node.input[1], table[axis]))
        elif node.op_type in FOLLOWED and node.output[0] in rows:
            found = rows[node.output[0]]
            rows[node.input[0]] = min(found, rows.get(node.input[0], found))
    return rows

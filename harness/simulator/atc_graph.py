"""What ATC makes of a graph: its inputs and outputs at the shapes asked for, or the code with which it refuses it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.atc_flags import parse_shapes
from harness.config.simulator import SimulatorSettings
from harness.simulator.atc_report import AtcError, invalid
from harness.simulator.cost import cost

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

DYNAMIC = ("dynamic_batch_size", "dynamic_image_size", "dynamic_dims")
TYPES = {
    "FLOAT": "float32",
    "FLOAT16": "float16",
    "DOUBLE": "float64",
    "INT64": "int64",
    "INT32": "int32",
    "INT16": "int16",
    "INT8": "int8",
    "UINT8": "uint8",
    "BOOL": "bool",
}
OUTPUT_TYPES = {"FP32": "float32", "FP16": "float16", "UINT8": "uint8", "INT8": "int8"}
MOST_IN_REPORT = 5


def converted(flags: Mapping[str, str], settings: SimulatorSettings) -> tuple[dict[str, Any], bytes, list[str]]:
    """The description of the OM, the ONNX file inside it at the shapes asked for, and the warnings.

    Raises:
        AtcError: with ATC's code.
    """
    precisions = _ini(flags.get("op_precision_mode"))
    model = _loaded(Path(flags["model"]))
    _check_operators(model, settings.unsupported_operators)
    initial = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initial]
    _set_shapes(inputs, flags)
    profiles = _profiles(flags)
    dynamic = any(dimension < 1 for value in inputs for dimension in _dims(value))
    if dynamic and not profiles and "input_shape" not in flags:
        raise AtcError("E10012", "The input shape is dynamic: specify [--input_shape].")
    total = cost(model)
    halved = set(flags.get("input_fp16_nodes", "").split(";"))
    description = {
        "soc_version": flags["soc_version"],
        "profiles": profiles,
        "macs": total.macs,
        "weight_bytes": total.weight_bytes,
        "live_bytes": total.live_bytes,
        "inputs": [_described(value, "FP16" if value.name in halved else None) for value in inputs],
        "outputs": [_described(value, flags.get("output_type")) for value in _outputs(model, flags)],
        "precision": flags.get("precision_mode") or flags.get("precision_mode_v2") or "force_fp16",
        "op_precision": precisions,
        "flags": {
            name: _value(name, value) for name, value in sorted(flags.items()) if name not in {"model", "output"}
        },
    }
    slow = [f"PartitionedCall_{node.name}" for node in model.graph.node if node.op_type == "AveragePool"]
    words = "is invalid, low-priority service is used. It can work normally but may affect performance."
    return (
        description,
        model.SerializeToString(deterministic=True),
        [f"W11001: High-priority service of op[{name}] {words}" for name in slow],
    )


def _loaded(path: Path) -> ModelProto:
    import onnx

    if not path.is_file():
        raise AtcError("E10410", f"File [{path}] does not exist.")
    try:
        model = onnx.load(str(path))
    except Exception as error:
        raise AtcError("E10041", f"Failed to load the model from {path}.", str(error).splitlines()[0]) from error
    if not model.graph.node:
        raise AtcError("E16001", f"Parse ONNX model {path.name} failed. Reason: the graph has no nodes.")
    domains = [entry for entry in model.opset_import if entry.domain in {"", "ai.onnx"}]
    if len(domains) != 1:
        words = f"The model has [{len(domains)}] [--domain version] fields, but only one is allowed"
        raise AtcError("E16005", words)
    return model


def _check_operators(model: ModelProto, refused: Sequence[str]) -> None:
    import onnx

    opset = next(entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"})
    unknown = [
        node
        for node in model.graph.node
        if node.domain not in {"", "ai.onnx"} or not onnx.defs.has(node.op_type, max_inclusive_version=opset)
    ]
    if unknown:
        raise _operators(
            "E19010", "No parser is registered for Op [{name}, optype [ai.onnx::{opset}::{kind}]].", unknown, opset
        )
    lacking = [node for node in model.graph.node if node.op_type in refused]
    if lacking:
        words = "No supported Ops kernel and engine are found for [{name}], optype [{kind}]."
        raise _operators("EZ3003", words, lacking, opset)


def _operators(code: str, words: str, nodes: Sequence[NodeProto], opset: int) -> AtcError:
    lines = [words.format(name=node.name or node.output[0], kind=node.op_type, opset=opset) for node in nodes]
    solution = (
        "Solution: Check the version of the installation package and reinstall the package. "
        "For details, see the operator specifications."
    )
    return AtcError(code, lines[0], solution, "TraceBack (most recent call last):", *lines[1:MOST_IN_REPORT])


def _set_shapes(inputs: Sequence[ValueInfoProto], flags: Mapping[str, str]) -> None:
    """Fix the graph's inputs to ``--input_shape``; a dimension of -1 or a range stays open."""
    text = flags.get("input_shape", flags.get("input_shape_range"))
    if text is None:
        return
    try:
        asked = parse_shapes(text)
    except ValueError as error:
        raise invalid("input_shape", text, f'"{error}" is no "name:dim,dim".', "E10002") from error
    known = {value.name: value for value in inputs}
    for name, dims in asked.items():
        if name not in known:
            raise AtcError("E10016", f"Opname [{name}] specified in [--input_shape] is not found in the model.")
        axes = known[name].type.tensor_type.shape.dim
        if len(axes) != len(dims):
            raise AtcError(
                "E10049", f"Dimensions [{len(dims)}] of input [{name}] do not match the model's [{len(axes)}]."
            )
        for axis, size in zip(axes, dims, strict=True):
            number = -1 if "~" in size else int(size)
            if number == 0 or number < -1:
                raise AtcError("E10011", f"Value [{size}] in the shape of input [{name}] is not positive.")
            if axis.dim_value > 0 and number > 0 and axis.dim_value != number:
                raise AtcError(
                    "E10050", f"Shape [{text}] of input [{name}] does not match the model's {axis.dim_value}."
                )
            if number > 0:
                axis.dim_value = number


def _profiles(flags: Mapping[str, str]) -> dict[str, Any]:
    """The dynamic profile, by its flag, as lists of numbers."""
    for name in DYNAMIC:
        if name in flags:
            groups = flags[name].replace(";", " ; ").split(";") if name != "dynamic_batch_size" else [flags[name]]
            values = [[int(each) for each in group.split(",") if each.strip()] for group in groups if group.strip()]
            count = len(values[0]) if name == "dynamic_batch_size" else len(values)
            if not 2 <= count <= 100:
                raise AtcError("E10035", f"The number of profiles in [--{name}] is [{count}], not in [2, 100].")
            return {name: values[0] if name == "dynamic_batch_size" else values}
    return {}


def _outputs(model: ModelProto, flags: Mapping[str, str]) -> list[ValueInfoProto]:
    """The graph's outputs, or those nodes' that ``--out_nodes`` names as ``node:index``."""
    from onnx import shape_inference

    del model.graph.value_info[:]
    for value in model.graph.output:
        if not flags.get("out_nodes"):
            value.type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(model).graph
    if "out_nodes" not in flags:
        outputs = list(inferred.output)
        for value, found in zip(model.graph.output, outputs, strict=True):
            value.CopyFrom(found)
        return outputs
    values = {value.name: value for value in (*inferred.value_info, *inferred.output)}
    nodes = {node.name: node for node in model.graph.node}
    found_outputs = []
    for part in filter(None, flags["out_nodes"].split(";")):
        name, _, index = part.strip().partition(":")
        node = nodes.get(name)
        if node is None or int(index or 0) >= len(node.output):
            raise AtcError("E11017", f"The out_nodes node [{part}] is not found in the model.")
        found_outputs.append(values[node.output[int(index or 0)]])
    del model.graph.output[:]
    model.graph.output.extend(found_outputs)
    return found_outputs


def _dims(value: ValueInfoProto) -> list[int]:
    return [axis.dim_value if axis.dim_value > 0 else -1 for axis in value.type.tensor_type.shape.dim]


def _described(value: ValueInfoProto, override: str | None) -> dict[str, Any]:
    from onnx import TensorProto

    own = TYPES.get(TensorProto.DataType.Name(value.type.tensor_type.elem_type))
    if own is None:
        raise AtcError("E19025", f"Input tensor is invalid. Reason: the type of [{value.name}] is not supported.")
    dtype = own
    if override is not None:
        if override not in OUTPUT_TYPES and ":" not in override:
            raise invalid("output_type", override, "The value must be FP32, FP16, UINT8, INT8 or node:index:type.")
        dtype = OUTPUT_TYPES.get(override, own)
    return {"name": value.name, "dtype": dtype, "graph_dtype": own, "shape": _dims(value)}


def _ini(path: str | None) -> str | None:
    """The lines of an ``op_precision.ini``: ``OpType = mode``, or below ``[ByNodeName]`` ``node=mode``."""
    if path is None:
        return None
    lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    for line in lines:
        if not (line.startswith(("[", "#", ";")) or line.partition("=")[2].strip()):
            raise invalid("op_precision_mode", path, f'Line "{line}" is no "OpType=mode".')
    return "\n".join(lines)


def _value(name: str, value: str) -> str:
    path = Path(value)
    return (
        hashlib.sha256(path.read_bytes()).hexdigest()
        if name.endswith(("conf", "file", "mode")) and path.is_file()
        else value
    )

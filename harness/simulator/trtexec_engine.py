"""The stand-in's engine file: the packed file of ``harness.simulator.om`` under TensorRT's own four letters.

Its description says which version, chip and precision it was built for, what it costs, and its inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.simulator.cost import cost
from harness.simulator.om import read_description, write_om
from harness.simulator.trtexec_options import Release

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

MAGIC = b"ptrt"
"""How a serialised engine begins."""
WIDE = 2
"""A float32 engine takes twice the memory of a float16 one, and twice the time: a GPU with tensor cores gains more."""


class BuildError(ValueError):
    """The lines with which the parser or the builder refuses a model, without time stamps: (level, words)."""

    def __init__(self, *lines: tuple[str, str]) -> None:
        super().__init__(lines[0][1])
        self.lines = lines


def build(onnx_file: Path, engine: Path, release: Release, *, chip: str, half: bool, refused: Sequence[str]) -> None:
    """Parse the ONNX file and write the engine.

    Raises:
        BuildError: the file is none, has an operator that is unknown or refused, or an input of open shape.
    """
    import onnx

    try:
        model = onnx.load(str(onnx_file))
    except Exception as error:
        raise _no_model(onnx_file) from error
    if not model.graph.node:
        raise _no_model(onnx_file)
    _check_operators(model, refused)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [_described(value) for value in model.graph.input if value.name not in weights]
    for each in inputs:
        if min(each["shape"], default=1) < 1:
            raise BuildError(
                ("E", "Error[4]: [network.cpp::validate::3008] Error Code 4: Internal Error (Network has dynamic or"),
                ("E", f"shape inputs, but no optimization profile has been defined.) {each['name']}"),
            )
    strong = release.major >= 11
    half = half or (strong and any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer))
    total = cost(model)
    description = {
        "version": release.version,
        "serialization": release.serialization,
        "chip": chip,
        "half": half,
        "macs": total.macs if half else WIDE * total.macs,
        "weight_bytes": total.weight_bytes if half else WIDE * total.weight_bytes,
        "live_bytes": total.live_bytes if half else WIDE * total.live_bytes,
        "inputs": inputs,
        "outputs": [_described(value) for value in inferred.output],
    }
    write_om(engine, description, model.SerializeToString(deterministic=True), magic=MAGIC)


def described(engine: Path) -> dict[str, Any]:
    """The description in an engine file.

    Raises:
        ValueError: it is no engine of the stand-in.
    """
    return read_description(engine, magic=MAGIC)


def _no_model(onnx_file: Path) -> BuildError:
    return BuildError(("E", f"[TRT] ModelImporter.cpp:735: Failed to parse ONNX model from file: {onnx_file}"))


def _check_operators(model: ModelProto, refused: Sequence[str]) -> None:
    import onnx

    opset = next((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), 1)
    for number, node in enumerate(model.graph.node):
        known = node.domain in {"", "ai.onnx"} and onnx.defs.has(node.op_type, max_inclusive_version=opset)
        if not known or node.op_type in refused:
            raise BuildError(*_lacking(number, node))


def _lacking(number: int, node: NodeProto) -> list[tuple[str, str]]:
    """What the ONNX parser prints for a node that no importer and no plug-in takes."""
    return [
        ("I", f"[TRT] No importer registered for op: {node.op_type}. Attempting to import as plugin."),
        ("I", f"[TRT] Searching for plugin: {node.op_type}, plugin_version: 1, plugin_namespace: "),
        (
            "E",
            f'[TRT] ModelImporter.cpp:948: While parsing node number {number} [{node.op_type} -> "{node.output[0]}"]:',
        ),
        ("E", "[TRT] ModelImporter.cpp:950: --- Begin node ---"),
        ("E", f'[TRT] ModelImporter.cpp:951: op_type: "{node.op_type}"'),
        ("E", "[TRT] ModelImporter.cpp:952: --- End node ---"),
        ("E", "[TRT] ModelImporter.cpp:954: ERROR: onnxOpImporters.cpp:6521 In function importFallbackPluginImporter:"),
        (
            "E",
            '[8] Assertion failed: creator && "Plugin not found, are the plugin name, version, and namespace correct?"',
        ),
    ]


def _described(value: ValueInfoProto) -> dict[str, Any]:
    from onnx import helper

    kind = value.type.tensor_type
    shape = [axis.dim_value if axis.dim_value > 0 else -1 for axis in kind.shape.dim]
    return {"name": value.name, "shape": shape, "dtype": str(helper.tensor_dtype_to_np_dtype(kind.elem_type))}

"""Reading a user's ONNX file: what it is where it is none, the data that it keeps in other files, and its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx.external_data_helper import load_external_data_for_model

from harness.errors import ConfigError
from harness.graph.constants import nodes

LARGEST_BYTES = (1 << 31) - 1
"""What protobuf can hold in one message, and so a single ONNX file."""

SIGNATURES = {
    (0, b"PK\x03\x04"): "a zip archive, as torch.save writes checkpoints; for those see model.checkpoint",
    (0, b"\x80"): "a Python pickle, as torch.save wrote checkpoints; for those see model.checkpoint",
    (0, b"IMOD"): "an Ascend OM file; use model=om",
    (0, b"ftrt"): "a TensorRT engine",
    (0, b"\x89HDF"): "an HDF5 file",
    (4, b"ORTM"): "a model in ONNX Runtime's own format; give the ONNX file that it was made from",
    (4, b"TFL3"): "a TensorFlow Lite model",
    (0, b"version https://git-lfs"): "a Git LFS pointer and not the file itself; run git lfs pull",
    (0, b"<"): "a web page or XML; download the file itself",
}
"""What files that are no ONNX begin with, by offset."""

LATER_IR_VERSION = 64
"""An IR version (13 in 2026) that only a file of another kind would claim."""

IR_VERSION_TAG = b"\x08"
"""The first byte of an ONNX file in practice: field 1 of ModelProto, an integer (onnx.proto)."""


def read_onnx(path: Path) -> onnx.ModelProto:
    """The model without the tensors that lie outside the file; those are known to be there.

    Args:
        path: a file that is there and not empty.

    Raises:
        ConfigError: it is no ONNX file or a damaged one, its outside data is missing, or all of it is above 2 GB.
    """
    given = f"model.file={path}"
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(32)
    for (offset, signature), words in SIGNATURES.items():
        if head[offset:].startswith(signature):
            raise ConfigError(f"{given}: not an ONNX file but {words}")
    if size_bytes > LARGEST_BYTES:
        raise ConfigError(f"{given}: {_too_large(size_bytes)}")
    try:
        model = onnx.load(str(path), format="protobuf", load_external_data=False)
    except DecodeError as error:
        damaged = head.startswith(IR_VERSION_TAG) and 0 < int.from_bytes(head[1:2], "big") < LATER_IR_VERSION
        words = "cut off or damaged; copy or export it again" if damaged else "not an ONNX file"
        raise ConfigError(f"{given}: {words}") from error
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise ConfigError(f"{given}: not an ONNX file, or one without a graph")
    outside_bytes = sum(file.stat().st_size for file in outside_files(model, path))
    if size_bytes + outside_bytes > LARGEST_BYTES:
        raise ConfigError(f"{given}: {_too_large(size_bytes + outside_bytes)}")
    return model


def read_whole_onnx(path: Path) -> onnx.ModelProto:
    """The model with all its tensors in memory. Raises as ``read_onnx``."""
    model = read_onnx(path)
    load_external_data_for_model(model, str(path.parent))
    return model


def outside_files(model: onnx.ModelProto, path: Path) -> tuple[Path, ...]:
    """The files that hold tensors of the model at ``path``, each once, in the order of their names.

    Raises:
        ConfigError: one is not there, is too short for what it should hold, or lies outside the model's folder.
    """
    found: dict[str, Path] = {}
    for tensor in _tensors(model.graph):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        if location not in found:
            found[location] = _outside_file(location, path)
        end = int(entries.get("offset", 0)) + int(entries.get("length", 0))
        if found[location].stat().st_size < end:
            raise ConfigError(f"model.file={path}: its data in {location} is cut off; copy both files again")
    return tuple(found[name] for name in sorted(found))


def stored_bytes(model: onnx.ModelProto) -> Mapping[str, int]:
    """How many bytes the constants of each element type take, by the type's name in NumPy's words."""
    found: dict[str, int] = {}
    for tensor in _tensors(model.graph):
        if tensor.data_type in {onnx.TensorProto.UNDEFINED, onnx.TensorProto.STRING}:
            continue
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        count = 1
        for size in tensor.dims:
            count *= size
        found[str(dtype)] = found.get(str(dtype), 0) + count * dtype.itemsize
    return found


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every dense tensor of a graph, of its nodes' attributes and of its subgraphs."""
    yield from graph.initializer
    for node in nodes(graph):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in (attribute.g, *attribute.graphs):
                yield from inner.initializer


def _outside_file(location: str, path: Path) -> Path:
    given = f"model.file={path}"
    parts = Path(location).parts
    if not location or Path(location).is_absolute() or ".." in parts:
        raise ConfigError(f"{given}: keeps its data in '{location}', outside its own folder; save it beside the file")
    file = path.parent / location
    if not file.is_file():
        raise ConfigError(f"{given}: keeps its data in {location}, which is not beside it; copy that file too")
    return file


def _too_large(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB with its outside data; at most 2 GB fit into one ONNX file"

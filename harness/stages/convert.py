"""Stage convert: the backend turns the ONNX file into its device's own format."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from harness.backends.protocol import BuildsForCell
from harness.backends.registry import backend_type, cell_backend
from harness.config.schema import Settings
from harness.records.schema import Artifact
from harness.stages.keys import stage_key
from harness.stages.request import Request

T = TypeVar("T")

VERSION = 1
CONSUMES = ("rewritten", "simplified", "exported")
"""The first of them that there is, is converted."""


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> str:
    """The cache key: the file, the chip, the precision, and the backend with its options, source and tools."""
    onnx = {"onnx": _first(inputs).sha256}
    runtime = cell_backend(settings)
    config: dict[str, Any] = {"kind": settings.backend.kind}
    if isinstance(runtime, BuildsForCell):
        return stage_key("convert", VERSION, inputs=onnx, config={**config, **runtime.conversion_key()})
    config |= {
        "options": dict(settings.backend.options),
        "precision": asdict(settings.precision),
        "soc_version": settings.soc_version.name,
        "tools": dict(runtime.tools()),
    }
    source = inspect.getsourcefile(backend_type(settings.backend.kind))
    sources = [Path(source)] if source else []
    return stage_key("convert", VERSION, inputs=onnx, config=config, sources=sources)


def on_device(settings: Settings) -> bool:
    """Whether the converter runs on the device, which it then has to have for itself: TensorRT times its kernels."""
    return bool(getattr(backend_type(settings.backend.kind), "converts_on_device", False))


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, object]]:
    """Give ``model``, and what the converter leaves beside it; nothing where the backend takes the ONNX file itself."""
    settings = request.settings
    onnx, target = _first(inputs), folder / "model"
    runtime = cell_backend(settings)
    made = runtime.convert(onnx, target, settings.precision)
    files: dict[str, Path] = {} if made == onnx else {"model": made}
    info: dict[str, object] = {}
    if isinstance(runtime, BuildsForCell):
        left, report = runtime.conversion_report(target)
        files |= left
        info = {"conversion": dict(report)}
    return files, info


def _first(inputs: Mapping[str, T]) -> T:
    return next(inputs[name] for name in CONSUMES if name in inputs)

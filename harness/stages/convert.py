"""Stage convert: the backend turns the ONNX file into its device's own format."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from harness.backends.registry import backend, backend_type
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
    chosen = _first(inputs)
    config = {
        "kind": settings.backend.kind,
        "options": dict(settings.backend.options),
        "precision": asdict(settings.precision),
        "soc_version": settings.soc_version.name,
        "tools": dict(backend(settings.backend).tools()),
    }
    source = inspect.getsourcefile(backend_type(settings.backend.kind))
    sources = [Path(source)] if source else []
    return stage_key("convert", VERSION, inputs={"onnx": chosen.sha256}, config=config, sources=sources)


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, object]]:
    """Give ``model``; nothing where the backend answers that it takes the ONNX file itself."""
    settings = request.settings
    onnx = _first(inputs)
    made = backend(settings.backend).convert(onnx, folder / "model", settings.precision)
    return ({} if made == onnx else {"model": made}), {}


def _first(inputs: Mapping[str, T]) -> T:
    return next(inputs[name] for name in CONSUMES if name in inputs)

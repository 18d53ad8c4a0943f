"""Stage simplify: fold constants and remove what does nothing, by onnxsim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from harness.config.schema import Settings
from harness.records.schema import Artifact
from harness.stages.keys import graph_sources, stage_key
from harness.stages.request import Request

VERSION = 1
CONSUMES = ("exported",)


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> str:
    """The cache key: the exported file, onnxsim's version and how it is called; nothing of the configuration."""
    del settings
    hashes = {name: artifact.sha256 for name, artifact in inputs.items()}
    tools, sources = ("onnxsim", "onnx", "onnxruntime"), graph_sources("simplify", "constants")
    return stage_key("simplify", VERSION, inputs=hashes, config={}, tools=tools, sources=sources)


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, object]]:
    """Write ``simplified`` (ONNX)."""
    from harness.graph.inspect import inspect_onnx
    from harness.graph.simplify import simplify_onnx

    del request
    target = folder / "simplified.onnx"
    simplify_onnx(inputs["exported"], target)
    return {"simplified": target}, {"graph": asdict(inspect_onnx(target))}

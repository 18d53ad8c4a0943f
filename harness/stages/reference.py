"""Stage reference: the same model in float32 with ONNX Runtime, the value that a device's accuracy is compared with.

It belongs to the weights and the data, not to a batch size or a device: one evaluation serves them all. A cell that is
float32 on ONNX Runtime itself is its own reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.backends.registry import backend
from harness.config.schema import BackendSettings, PrecisionSettings, Settings, SocSettings
from harness.models.files import CONVERTED, ONNX
from harness.records.schema import Artifact
from harness.stages import adopt, evaluate, export
from harness.stages.request import Request

CONSUMES = ("simplified", "exported")
"""The first of them that there is, is evaluated."""

RUNTIME = BackendSettings(name="onnxruntime", kind="onnxruntime", default_precision="fp32")
FP32 = PrecisionSettings(name="fp32", dtype="float32")
CPU = SocSettings(name="cpu", default_backend="onnxruntime")


def is_reference(settings: Settings) -> bool:
    """Whether the cell computes in float32 with ONNX Runtime, so that its own accuracy is the reference."""
    precision = settings.precision
    return settings.backend.kind == RUNTIME.kind and (precision.dtype == "float32" or precision.name == FP32.name)


def has_reference(settings: Settings) -> bool:
    """Whether there can be one: a file that a backend's tools made cannot be run in float32."""
    return settings.evaluate.reference and settings.model.kind != CONVERTED


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> str:
    """The cache key: the weights and the network, the data with its preparation, and ONNX Runtime's version."""
    del inputs
    model = settings.model
    weights = adopt.weights_identity(settings) if model.kind == ONNX else export.weights_identity(settings)
    shapes = [[spec.name, list(spec.shape[1:]), spec.dtype] for spec in model.inputs]
    version = backend(RUNTIME).tools()["onnxruntime"]
    config = {"data": evaluate.data_identity(settings), "shapes": shapes, "onnxruntime": version}
    return evaluate.evaluation_key("reference", weights, config)


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """Evaluate with ONNX Runtime; the info holds the accuracy, and nothing is drawn."""
    from harness.stages.evaluation import evaluate_model

    del folder
    settings = request.settings
    streamed = replace(settings.evaluate, mode="stream")
    own = replace(settings, backend=RUNTIME, precision=FP32, soc_version=CPU, evaluate=streamed)
    file = next(inputs[name] for name in CONSUMES if name in inputs)
    found = evaluate_model(replace(request, settings=own), file, draw=False)
    return {}, {"accuracy": found.accuracy}

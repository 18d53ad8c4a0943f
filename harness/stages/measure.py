"""Stage measure: one repeat, in a fresh process, never cached. Raw samples go to the record's folder at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from harness.config.model import InputSettings
from harness.config.schema import Settings
from harness.errors import HarnessError, OutOfMemoryError, UnsupportedError
from harness.models.files import ONNX
from harness.records.schema import Artifact, Finding
from harness.stages.request import Request

CONSUMES = ("model",)


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> None:
    """Measurements are never cached."""
    del settings, inputs


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """Measure once; ``info`` holds the repeat (records.schema.Repeat), the runtime's tools, and what it was fed."""
    from harness.backends.inputs import random_inputs
    from harness.backends.protocol import DescribesInputs
    from harness.backends.registry import cell_backend
    from harness.stages.audit import Audit, audited
    from harness.stages.repeat import built, telemetry_file
    from harness.stages.surroundings import Surroundings

    del folder
    settings = request.settings
    started = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    around = Surroundings(settings, request.base_temperature_c, request.record / telemetry_file(request.round or 1))
    around.before()
    runtime = cell_backend(settings)
    specs = settings.model.inputs
    if not specs and isinstance(runtime, DescribesInputs):
        specs = tuple(runtime.input_specs(inputs["model"]))
        _check_batch(specs, settings.batchsize, settings.model.name)
    fed = random_inputs(specs, settings.seed)
    try:
        with around:
            samples = runtime.measure(inputs["model"], fed, settings.measure)
    except HarnessError as error:
        raise _about_the_file(error, settings) from error
    audit = Audit()
    if settings.measure.audit:
        try:
            audit = audited(
                runtime, inputs["model"], settings, specs, samples=samples, caching=(request.round or 1) == 1
            )
        except HarnessError as error:
            audit = Audit((Finding("audit_failed", f"the audit afterwards failed: {error}"),))
    repeat = built(request, samples, runtime.boundary, started, around=around, audit=audit)
    shapes = {spec.name: [list(spec.shape), spec.dtype] for spec in specs}
    return {}, {
        "repeat": repeat,
        "tools": dict(runtime.tools()),
        "inputs": shapes,
        "temperature_c": around.temperature_c,
    }


def _about_the_file(error: HarnessError, settings: Settings) -> HarnessError:
    """What ONNX Runtime said about a user's file, under its name and with the node; anything else as it is."""
    said = error.__cause__
    if settings.model.kind != ONNX or isinstance(error, OutOfMemoryError) or said is None:
        return error
    if not type(said).__module__.startswith("onnxruntime."):
        return error
    from harness.graph.explain import explained

    return explained(Path(settings.model.file or settings.model.name).name, settings.batchsize, str(said))


def _check_batch(specs: Sequence[InputSettings], batchsize: int, model: str) -> None:
    """Refuse a converted file of another batch: its throughput would be reported for the wrong number of samples."""
    largest = max(specs, key=lambda spec: math.prod(spec.shape), default=None)
    batch = largest.shape[0] if largest is not None and largest.shape else 1
    if largest is not None and batch != batchsize:
        raise UnsupportedError(
            f"batchsize={batchsize}: {model} was converted for a batch of {batch}, by its input {largest.name} "
            f"{list(largest.shape)}; use batchsize={batch}"
        )

"""Stage profile: the backend's own profiler traces the model; its files go to the record and nothing is measured."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.config.schema import Settings
from harness.records.schema import Artifact
from harness.stages.request import Request

CONSUMES = ("model", "rewritten", "simplified", "exported")
"""The first of them that there is, is profiled."""
TRACE = "profile/trace.zip"
NOTE = "profiled, which slows it down: no measurement; the trace is profile/trace.zip"


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> None:
    """A trace is never cached."""
    del settings, inputs


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """Give the trace as one archive.

    Raises:
        UnsupportedError: the backend has no profiler.
        HarnessError: the profiler failed or left nothing.
    """
    from harness.backends.inputs import random_inputs
    from harness.backends.protocol import DescribesInputs, Profiles
    from harness.backends.registry import cell_backend
    from harness.errors import HarnessError, UnsupportedError

    settings = request.settings
    runtime = cell_backend(settings)
    if not isinstance(runtime, Profiles):
        raise UnsupportedError(f"profile=true: {settings.backend.name} has no profiler here; leave profile out")
    model = next(inputs[name] for name in CONSUMES if name in inputs)
    specs = settings.model.inputs
    if not specs and isinstance(runtime, DescribesInputs):
        specs = tuple(runtime.input_specs(model))
    trace = folder / "trace"
    runtime.profile(model, random_inputs(specs, settings.seed), trace)
    if not any(path.is_file() for path in trace.rglob("*")):
        raise HarnessError("profile=true: the profiler left no files", reason="no_result", hint="its log says why")
    archive = shutil.make_archive(str(folder / "trace"), "zip", trace)
    return {TRACE: Path(archive)}, {"notes": [NOTE]}

"""Parity of a model that came as an ONNX file: it runs, and its later forms compute the same. Knows no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.config.schema import Settings
from harness.errors import HarnessError, OutOfMemoryError
from harness.records.schema import Outcome


def compare_files(settings: Settings, inputs: Mapping[str, Path]) -> dict[str, Any]:
    """Run the file, and its simplified and rewritten forms where there are any, on seeded random inputs.

    Returns:
        The comparison of each output with the file's own under ``exported_simplified`` and ``exported_rewritten``, that
        it ran, and ``outcome`` where the forms disagree.

    Raises:
        UnsupportedError: ONNX Runtime lacks an operator; the line names it.
        OutOfMemoryError: the machine has too little memory.
        HarnessError: ONNX Runtime stops in the file; the line names the node.
    """
    from harness.backends.inputs import random_inputs
    from harness.graph.enlarge import enlarged, left_to_host
    from harness.graph.rewritten import compare_rewritten

    arrays = random_inputs(settings.model.inputs, settings.seed)
    before = _outputs(settings, inputs["exported"], arrays)
    info: dict[str, Any] = {"ran": True}
    problems = []
    for form in (form for form in ("simplified", "rewritten") if form in inputs):
        after = _outputs(settings, inputs[form], arrays)
        if form == "rewritten" and left_to_host(settings.model):
            after = {name: enlarged(output, before[name].shape) for name, output in after.items()}
        results, found = compare_rewritten(before, after, settings.precision.name)
        info[f"exported_{form}"] = {
            name: {**asdict(result), "max_abs_over_range": result.max_abs_over_range}
            for name, result in results.items()
        }
        problems += [f"exported and {form}: {problem}" for problem in found]
    if problems:
        info["outcome"] = Outcome(
            status="failed",
            stage="parity",
            reason="parity_broken",
            message="; ".join(problems),
            hint="measure the file as it is with export.simplify=false 'model.graph.rules=[]'",
        )
    return info


def _outputs(settings: Settings, file: Path, arrays: Mapping[str, Any]) -> dict[str, Any]:
    from harness.graph.explain import explained
    from harness.graph.run import run_onnx

    try:
        return run_onnx(file, arrays)
    except HarnessError as error:
        name = Path(settings.model.file or file).name
        if isinstance(error.__cause__, MemoryError):
            raise OutOfMemoryError(f"{name} at batchsize={settings.batchsize}: too little memory to run it") from error
        found = explained(name, settings.batchsize, str(error.__cause__ or error))
        if ".onnx" not in _reads(settings):
            found.hint = f"{settings.backend.name} may still take it: parity.enabled=false leaves this check out"
        raise found from error


def _reads(settings: Settings) -> tuple[str, ...]:
    from harness.backends.protocol import reads
    from harness.backends.registry import backend

    return reads(backend(settings.backend))

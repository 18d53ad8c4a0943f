"""Stage parity: torch, the exported, the simplified and the rewritten file must agree, or the cell fails unmeasured.

Of a model that came as a file there is no torch: see ``harness.stages.file_parity``.
What torch computes for the first samples was kept when the network was exported; ONNX Runtime runs both files on the
whole static batch. Outputs of a large batch take gigabytes: each is compared and dropped before the next is opened.
Of a network whose samples have views (12 of a video), one view of each sample is compared, and the files are run with
that view alone: video_swin takes a tenth of the time and of the 12 GB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.config.schema import Settings
from harness.errors import HarnessError
from harness.models.family import batch_axes, family
from harness.models.files import is_file
from harness.records.schema import Artifact, Outcome
from harness.stages.export import checkpoint_path
from harness.stages.file_parity import compare_files
from harness.stages.keys import stage_key
from harness.stages.request import Request

if TYPE_CHECKING:
    from harness.backends.protocol import Array
    from harness.graph.parity import ParityResult

VERSION = 2
FORMS = ("exported", "simplified", "rewritten")
CONSUMES = ("reference", *FORMS)


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> str:
    """The cache key: torch's outputs, both files, the random inputs and the thresholds."""
    hashes = {name: artifact.sha256 for name, artifact in inputs.items()}
    if is_file(settings.model):
        specs = [asdict(spec) for spec in settings.model.inputs]
        files = {"inputs": specs, "seed": settings.seed, "precision": settings.precision.name}
        return stage_key("parity", VERSION, inputs=hashes, config=files, tools=("onnxruntime", "numpy"))
    trained = checkpoint_path(settings) is not None
    axes = batch_axes(family(settings.model.kind), settings.model.options)
    config = {**asdict(settings.parity), "seed": settings.seed, "task": settings.model.task, "trained": trained}
    config["batch_axes"] = axes
    return stage_key("parity", VERSION, inputs=hashes, config=config, tools=("onnxruntime", "numpy"))


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """Compare; ``info`` holds one comparison per pair, and ``outcome`` where one of them is broken."""
    import numpy as np

    from harness.backends.inputs import random_inputs
    from harness.graph.enlarge import enlarged, left_to_host
    from harness.graph.parity import REWRITTEN, ParityThresholds, check

    settings = request.settings
    if is_file(settings.model):
        return {}, compare_files(settings, inputs)
    limits = settings.parity
    asked = ParityThresholds(limits.min_cosine, limits.max_abs_over_range, limits.min_argmax_agreement)
    arrays = random_inputs(settings.model.inputs, settings.seed)
    with np.load(inputs["reference"]) as stored:
        reference = [stored[name] for name in stored.files]
    axis = 1 if settings.model.task == "segmentation" and checkpoint_path(settings) else None
    info: dict[str, Any] = {}
    problems: list[str] = []
    previous: Sequence[Array] = ()
    before = ""
    for name in (name for name in FORMS if name in inputs):
        outputs = _outputs(settings, inputs[name], arrays, folder)
        if name == "rewritten" and left_to_host(settings.model):
            whole = previous or reference
            outputs = [enlarged(o, (len(o), *w.shape[1:])) for o, w in zip(outputs, whole, strict=True)]
        firsts = [b[: len(a)] for a, b in zip(reference, outputs, strict=True)]
        comparisons = [("torch", _worst(reference, firsts, axis), asked)]
        if previous:
            comparisons.append((before, _worst(previous, outputs, axis), REWRITTEN))
        for against, result, thresholds in comparisons:
            info[f"{against}_{name}"] = {**asdict(result), "max_abs_over_range": result.max_abs_over_range}
            problem = check(result, thresholds)
            if problem:
                problems.append(f"{against} and {name}: {problem}")
        previous, before = outputs, name
    if problems:
        info["outcome"] = Outcome(
            status="failed",
            stage="parity",
            reason="parity_broken",
            message="; ".join(problems),
            hint="the graph computes something else than the network: try export.simplify=false, another export.opset, "
            "or 'model.graph.rules=[]'",
        )
    return {}, info


def _outputs(settings: Settings, file: Path, arrays: Mapping[str, Array], folder: Path) -> list[Array]:
    """What a file computes for the whole batch, or for the first view of each sample where samples have views."""
    from harness.graph.run import run_onnx
    from harness.graph.shapes import write_with_shapes
    from harness.models.forward import leading

    axes = batch_axes(family(settings.model.kind), settings.model.options)
    if axes == 1:
        return list(run_onnx(file, arrays).values())
    few = leading(arrays, settings.batchsize, axes)
    smaller = folder / "few_views.onnx"
    try:
        write_with_shapes(file, smaller, {name: array.shape for name, array in few.items()})
        outputs = list(run_onnx(smaller, few).values())
        if all(len(output) == settings.batchsize for output in outputs):
            return outputs
    except HarnessError:  # the graph holds its number of views as a constant
        pass
    finally:
        smaller.unlink(missing_ok=True)
    return [output[:: len(output) // settings.batchsize] for output in run_onnx(file, arrays).values()]


def _worst(reference: Sequence[Array], candidate: Sequence[Array], argmax_axis: int | None) -> ParityResult:
    """The comparison of the output that lies furthest off."""
    from harness.graph.parity import compare_outputs

    results = [compare_outputs(a, b, argmax_axis) for a, b in zip(reference, candidate, strict=True)]
    return min(results, key=lambda result: (result.finite, result.cosine, -result.max_abs_over_range))

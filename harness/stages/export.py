"""Stage export: build the network, load its weights, write the ONNX file at the static batch size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.config.schema import Settings
from harness.errors import ConfigError
from harness.files import sha256_file
from harness.models.family import ExportJob, ExportsElsewhere, Family, batch_axes, family
from harness.records.schema import Artifact
from harness.stages.keys import graph_sources, stage_key
from harness.stages.request import Request

if TYPE_CHECKING:
    from harness.backends.protocol import Array
    from harness.models.weights import WeightsInfo

VERSION = 2
CONSUMES: tuple[str, ...] = ()
OPSET = 11
"""What is exported where the settings name none."""


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> str:
    """The cache key; hashes the checkpoint and the family's source, imports no torch."""
    model = settings.model
    checkpoint = checkpoint_path(settings)
    return stage_key(
        "export",
        VERSION,
        inputs={"checkpoint": sha256_file(checkpoint)}
        if checkpoint
        else {name: a.sha256 for name, a in inputs.items()},
        config={
            "kind": model.kind,
            "options": network_options(settings),
            "inputs": [[spec.name, list(spec.shape), spec.dtype] for spec in model.inputs],
            "outputs": list(model.outputs),
            "seed": None if checkpoint else model.seed,
            "opset": settings.export.opset or OPSET,
            "reference": [settings.parity.samples, settings.seed] if settings.parity.enabled else None,
        },
        tools=("torch", "onnx"),
        sources=(*family(model.kind).source_files(), *graph_sources("export", "batch", "constants", "tidy")),
    )


def network_options(settings: Settings) -> dict[str, Any]:
    """The options that decide the network: not how its data is to be windowed."""
    return {key: value for key, value in settings.model.options.items() if key != "mode"}


def checkpoint_path(settings: Settings) -> Path | None:
    """The checkpoint file that the settings name, or None for seeded random weights.

    Raises:
        ConfigError: the file is not there.
    """
    if settings.model.checkpoint is None:
        return None
    path = Path(settings.model.checkpoint).expanduser()
    if not path.is_file():
        raise ConfigError(
            f"model.checkpoint={settings.model.checkpoint}: no such file; "
            "give the path of a .pth checkpoint, or leave it out for seeded random weights"
        )
    return path


def weights_identity(settings: Settings) -> dict[str, str]:
    """What the parameters and their network are, whatever batch size and opset they are exported at."""
    model = settings.model
    checkpoint = checkpoint_path(settings)
    network = [model.kind, network_options(settings), list(model.outputs)]
    return {
        "weights": sha256_file(checkpoint) if checkpoint else f"seed {model.seed}",
        "network": json.dumps(network, sort_keys=True),
        **{file.name: sha256_file(file) for file in family(model.kind).source_files()},
    }


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, object]]:
    """Write ``exported`` (ONNX) and ``reference`` (torch's own outputs); the info says what weights and graph are.

    The file itself says what its weights are too: it may be carried to another machine and measured there.
    """
    from harness.backends.inputs import random_inputs
    from harness.graph.inspect import inspect_onnx
    from harness.models.onnx_file import note_weights

    del inputs
    settings = request.settings
    files = {"exported": folder / "exported.onnx"}
    if settings.parity.enabled:
        files["reference"] = folder / "reference.npz"
    arrays = random_inputs(settings.model.inputs, settings.seed)
    network = family(settings.model.kind)
    axes = batch_axes(network, settings.model.options)
    if isinstance(network, ExportsElsewhere):
        weights = _elsewhere(network, settings, arrays, files, axes)
    else:
        weights = _here(network, settings, arrays, files, axes)
    note_weights(files["exported"], asdict(weights))
    return files, {"weights": asdict(weights), "graph": asdict(inspect_onnx(files["exported"]))}


def _here(
    network: Family, settings: Settings, arrays: Mapping[str, Array], files: Mapping[str, Path], axes: int
) -> WeightsInfo:
    """Build and fill the network in this process and export it."""
    import numpy as np

    from harness.graph.export import export_onnx
    from harness.models.forward import run_module
    from harness.models.weights import load_weights

    model = settings.model
    module = network.build(network.parse_options(model.options))
    weights = load_weights(
        module, checkpoint_path(settings), model.seed, ignored_prefixes=network.ignored_checkpoint_prefixes
    )
    if "reference" in files:  # before the export folds constants into the network
        np.savez(files["reference"], *run_module(module, arrays, settings.parity.samples, axes))
    opset = settings.export.opset or OPSET
    export_onnx(module, arrays, model.outputs, files["exported"], opset, batch_axes=axes)
    return weights


def _elsewhere(
    network: ExportsElsewhere, settings: Settings, arrays: Mapping[str, Array], files: Mapping[str, Path], axes: int
) -> WeightsInfo:
    """Have the family export in its own interpreter."""
    from harness.graph.tidy import tidy
    from harness.models.forward import leading

    target, checkpoint = files["exported"], checkpoint_path(settings)
    samples = leading(arrays, settings.parity.samples, axes)
    opset = settings.export.opset or OPSET
    weights = network.export(ExportJob(settings, checkpoint, arrays, opset, target, samples, files.get("reference")))
    tidy(target, settings.model.outputs)
    return weights

"""Stage evaluate: the accuracy of a cell's model on its backend, streamed or through files; cached by what decides it.

After a kill the next run goes on from the last saved state. An artifact whose name holds a slash is a file for the
record's folder, such as ``tables/per_class.csv``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness.backends.registry import cell_backend
from harness.config.schema import DatasetSettings, Settings
from harness.records.schema import Artifact
from harness.stages.keys import room_sources, stage_key
from harness.stages.request import Request

VERSION = 1
CONSUMES = ("model", "rewritten", "simplified", "exported")
"""The first of them that there is, is evaluated."""

_DATASET = TypeAdapter(DatasetSettings)


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> str:
    """The cache key: the model file, the data with its preparation, the batch size, and the backend with its tools."""
    chosen = next(inputs[name] for name in CONSUMES if name in inputs)
    evaluate = settings.evaluate
    config = {
        "data": data_identity(settings),
        "batchsize": settings.batchsize,
        "kind": settings.backend.kind,
        "options": dict(settings.backend.options),
        "tools": dict(cell_backend(settings).tools()),
        "precision": asdict(settings.precision),
        "soc_version": settings.soc_version.name,
        "mode": evaluate.mode,
        "folder": evaluate.folder if evaluate.mode == "files" else None,
        "shown": [evaluate.examples, evaluate.worst],
    }
    return evaluation_key("evaluate", {"model": chosen.sha256}, config)


def evaluation_key(stage: str, inputs: Mapping[str, str], config: Mapping[str, Any]) -> str:
    """The key of an evaluation: what is given, with the code and the libraries that prepare, merge and count."""
    return stage_key(
        stage,
        VERSION,
        inputs=inputs,
        config=config,
        tools=("numpy", "numba", "opencv-python-headless", "av"),
        sources=room_sources("evaluate", "datasets", "metrics"),
    )


def data_identity(settings: Settings) -> dict[str, Any]:
    """What the data is and how it reaches the network, as JSON values; the files are read once in a process.

    Raises:
        ConfigError: the data is not there or does not fit the model.
    """
    from harness.evaluate.plans import opened_plan

    with opened_plan(settings) as plan:
        return {
            "task": settings.model.task,
            "kind": settings.dataset.kind,
            "fingerprint": _fingerprint(_DATASET.dump_json(settings.dataset)),
            "on_bad_sample": settings.dataset.on_bad_sample,
            "mode": plan.mode,
            "how": plan.how,
        }


@functools.lru_cache(maxsize=64)
def _fingerprint(dataset_json: bytes) -> str:
    from harness.datasets.registry import open_dataset

    return str(open_dataset(_DATASET.validate_json(dataset_json)).fingerprint())


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """Evaluate; the info holds the accuracy (records.schema.Accuracy), the files are its tables, pictures and page."""
    from harness.evaluate.written import write_files
    from harness.stages.evaluation import evaluate_model

    found = evaluate_model(request, next(inputs[name] for name in CONSUMES if name in inputs))
    files = write_files(folder, found.accuracy, found.findings, found.examples, found.worst)
    return files, {"accuracy": found.accuracy}

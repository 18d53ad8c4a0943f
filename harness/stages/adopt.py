"""Stage adopt: take the user's own file into the store; an ONNX file with its batch and other open dimensions fixed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.backends.protocol import reads
from harness.backends.registry import backend, backend_type
from harness.config.schema import Settings
from harness.errors import HarnessError, OutOfMemoryError
from harness.files import sha256_file
from harness.models.files import CONVERTED, located
from harness.records.schema import Artifact
from harness.stages.keys import graph_sources, stage_key
from harness.stages.request import Request

VERSION = 1
CONSUMES: tuple[str, ...] = ()


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> str:
    """The cache key: the file with all that belongs to it, and the shapes that it gets."""
    del inputs
    model = settings.model
    config: dict[str, Any] = {"kind": model.kind}
    if model.kind != CONVERTED:
        config["shapes"] = {spec.name: list(spec.shape) for spec in model.inputs}
        config["opened_by"] = settings.backend.kind if _opens(settings) else None
    sources = graph_sources("shapes", "batch")
    return stage_key(
        "adopt", VERSION, inputs=weights_identity(settings), config=config, tools=("onnx",), sources=sources
    )


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """Give ``exported`` (ONNX) or ``model`` (a converted file); the info says what the weights and the graph are."""
    del inputs
    settings = request.settings
    source = located(settings.model.file or "")
    before = weights_identity(settings)
    made, info = _converted(source, folder) if settings.model.kind == CONVERTED else _onnx(settings, source, folder)
    _hash.cache_clear()
    _outside.cache_clear()
    if weights_identity(settings) != before:
        raise HarnessError(f"model.file={source}: changed while it was read; run again when it is complete")
    weights = {"kind": "file", "trained": True, "sha256": before[source.name], "name": source.name}
    return made, {"weights": weights, **info}


def _converted(source: Path, folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    target = folder / f"model{source.suffix}"
    shutil.copyfile(source, target)
    return {"model": target}, {}


def _onnx(settings: Settings, source: Path, folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """The file as it is where nothing in it is open and all of it is in one place; else written anew."""
    from dataclasses import asdict

    import onnx

    from harness.graph.explain import IN_THE_WAY
    from harness.graph.inspect import inspect_onnx
    from harness.graph.shapes import batch_lost, set_shapes
    from harness.models.onnx_file import noted_weights
    from harness.models.onnx_read import outside_files, read_onnx, read_whole_onnx

    target = folder / "exported.onnx"
    model = read_onnx(source)
    outside = outside_files(model, source)
    if outside:
        model = read_whole_onnx(source)
    before = onnx.GraphProto(input=model.graph.input, output=model.graph.output)
    if set_shapes(model, {spec.name: spec.shape for spec in settings.model.inputs}) or outside:
        if lost := batch_lost(before, model.graph):
            words = f"{source.name} at batchsize={settings.batchsize}: {lost}"
            raise HarnessError(words, reason="not_runnable", hint=IN_THE_WAY)
        onnx.save(model, str(target))
    else:
        shutil.copyfile(source, target)
    weights = noted_weights(model)
    del model
    _check_loads(settings, target)
    info: dict[str, Any] = {"graph": asdict(inspect_onnx(target))}
    return {"exported": target}, {**info, "weights": weights} if weights else info


def _check_loads(settings: Settings, target: Path) -> None:
    """Open the file where the backend reads ONNX: an operator that it lacks is named before anything else is done.

    Raises:
        UnsupportedError: the backend lacks an operator or an opset.
        HarnessError: it refuses the file, such as for shapes that contradict each other.
    """
    from harness.graph.explain import explained

    if not _opens(settings):
        return
    try:
        with backend(settings.backend).load(target):
            pass
    except OutOfMemoryError:
        raise
    except HarnessError as error:
        name = Path(settings.model.file or target).name
        raise explained(name, settings.batchsize, str(error.__cause__ or error)) from error


def _opens(settings: Settings) -> bool:
    return ".onnx" in reads(backend_type(settings.backend.kind))


def weights_identity(settings: Settings) -> dict[str, str]:
    """SHA-256 of the file, and of the files in which an ONNX file keeps its data, by name."""
    source = located(settings.model.file or "")
    outside = () if settings.model.kind == CONVERTED else _outside(source, *_mark(source))
    return {file.relative_to(source.parent).as_posix(): _hash(file, *_mark(file)) for file in (source, *outside)}


def _mark(file: Path) -> tuple[int, int]:
    """Size in bytes and time of change in ns: a file with the same is not read twice."""
    state = file.stat()
    return state.st_size, state.st_mtime_ns


@lru_cache
def _outside(source: Path, *_: int) -> tuple[Path, ...]:
    from harness.models.onnx_read import outside_files, read_onnx

    return outside_files(read_onnx(source), source)


@lru_cache
def _hash(file: Path, *_: int) -> str:
    return sha256_file(file)

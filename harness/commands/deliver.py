"""Handing over what ``export_only`` and ``convert_only`` made: under readable names, with the command that goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from harness.backends.protocol import reads
from harness.backends.registry import backend
from harness.config.schema import Settings
from harness.records.schema import Artifact, Record
from harness.stages.pipeline import MODELS
from harness.stages.store import Store
from harness.sweep.manifest import Manifest


def delivered(manifest: Manifest, records: Sequence[Record], home: Path) -> Iterator[str]:
    """Put the file of each cell that stops early into the sweep's folder as ``<cell>.onnx``; yields lines to show.

    The file is a hard link to the store's, which needs no space and can be copied anywhere; a copy where the file
    system has no links.

    Raises:
        OSError: the folder cannot be written to.
    """
    made: list[tuple[Settings, Path]] = []
    for cell, record in zip(manifest.cells, records, strict=True):
        settings = cell.settings
        artifact = next((record.artifacts[name] for name in MODELS if name in record.artifacts), None)
        if settings.repeats or settings.profile or record.outcome.status != "ok" or artifact is None:
            continue
        target = home / "sweeps" / manifest.sweep_id / f"{cell.name}{artifact.suffix}"
        source = Store(home / "store").path(artifact)
        if not source.is_file():
            yield f"gone   {source}: it vanished from the store before it could be put at {target}; run the sweep again"
            continue
        _link(source, target)
        yield f"made   {target}  {_size(artifact)}"
        if settings.convert_only and ".onnx" in reads(backend(settings.backend)):
            yield f"       {settings.backend.name} reads ONNX as it is: nothing was converted"
        made.append((settings, target))
    if made:
        yield _next_step(made)


def _next_step(made: Sequence[tuple[Settings, Path]]) -> str:
    """The command that measures the files, or the first of them, on the machine that they are carried to."""
    settings, file = made[0]
    given, batches, several = f"model.file={file.name}", str(settings.batchsize), ""
    patterns = {file.name.replace(f"-bs{each.batchsize}.", "-bs${batchsize}.") for each, file in made}
    if len(made) > 1 and len(patterns) == 1:
        given, several = f"'model.file={patterns.pop()}'", " -m"
        batches = ",".join(str(each.batchsize) for each, _ in made)
    sort = {".onnx": "onnx", ".engine": "engine"}.get(file.suffix, "om")
    command = f"python -m harness model={sort} {given} batchsize={batches} model.name={settings.model.name}{several}"
    return f"measure on another machine, without torch:  {command}"


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        target.unlink()
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _size(artifact: Artifact) -> str:
    size_bytes = artifact.size_bytes
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.1f} kB"

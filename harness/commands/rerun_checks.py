"""What of a record's circumstances is another here and now, named before anything is measured again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.commands.rerun_source import Source
from harness.config.schema import Settings
from harness.errors import HarnessError
from harness.files import sha256_file
from harness.records.differences import (
    ABSENT,
    Difference,
    artifact_differences,
    device_differences,
    environment_differences,
    package_differences,
    tool_differences,
)
from harness.records.io import ENVIRONMENT_FILE
from harness.records.schema import Record
from harness.sweep.cell import CellRun, is_record_file

_HASH = 12
_INI = "op_precision_mode"
MAKERS = ("torch", "onnx", "onnxsim", "onnxscript")
"""Packages whose version decides the bytes of an ONNX file."""


def differences(source: Source, settings: Settings, device: Mapping[str, Any]) -> list[Difference]:
    """What can be known before anything is made: machine, device, software, tools, and the files that go in.

    ``device`` describes the cell's device as it is now.
    """
    from harness.records.provenance import PACKAGES, environment, package_list

    old = source.record
    found = environment_differences(old.environment, environment())
    if old.harness_version and not any(each.what == "harness version" for each in found):
        found += _version(old)
    found += package_differences(_packages(source), package_list(), PACKAGES)
    found += device_differences(old.device, device)
    found += tool_differences(old.fingerprint.get("tools", {}), _tools(settings))
    return [*found, *_files(source, settings)]


def made_otherwise(old: Record, run: CellRun) -> tuple[list[Difference], list[str]]:
    """The artifacts that preparation gave and that are not those of the record, and the names of those that are."""
    made = {
        name: artifact
        for step in run.pipeline.steps.values()
        for name, artifact in step.artifacts.items()
        if not is_record_file(name)
    }
    return artifact_differences(old.artifacts, made)


def difference_lines(found: Sequence[Difference], width: int) -> Iterator[str]:
    """The differences as aligned lines of at most ``width`` columns; a value that is too long is cut."""
    if not found:
        return
    name = min(max(len(each.what) for each in found), max(10, width // 3))
    room = width - name - 10
    before = min(max(len(each.old) for each in found), max(6, room // 2))
    for each in found:
        old, new = _cut(each.old, before), _cut(each.new, max(6, room - before))
        yield f"  {_cut(each.what, name):<{name}}  {old:<{before}}  ->  {new}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _version(old: Record) -> list[Difference]:
    from harness import __version__

    same = old.harness_version == __version__
    return [] if same else [Difference("harness version", old.harness_version, __version__)]


def _packages(source: Source) -> Sequence[str]:
    """All packages of the record's environment, where the folder of the record is at hand."""
    if source.folder is None:
        return ()
    with suppress(OSError, ValueError, AttributeError):
        listed = json.loads((source.folder / ENVIRONMENT_FILE).read_bytes()).get("package_list", ())
        return [each for each in listed if isinstance(each, str)]
    return ()


def _tools(settings: Settings) -> Mapping[str, str]:
    """The backend's tools and options, as far as they are known before it runs."""
    from harness.backends.registry import cell_backend

    try:
        return cell_backend(settings).tools()
    except (HarnessError, OSError):
        return {}


def _files(source: Source, settings: Settings) -> Iterator[Difference]:
    """Checkpoint or model file, operator precisions and data set, by their SHA-256."""
    old, model = source.record, settings.model
    weights = old.weights
    if weights is not None and weights.sha256 is not None:
        file = model.file if weights.kind == "file" else model.checkpoint
        if weights.kind == "file" or model.file is None:  # else the weights are noted in the file, which is an artifact
            now = _hash(Path(file).expanduser()) if file else None
            if now != weights.sha256:
                what = "model file" if weights.kind == "file" else "checkpoint"
                yield Difference(what, weights.sha256[:_HASH], now[:_HASH] if now else ABSENT)
    elif weights is not None and weights.kind == "random" and model.checkpoint is not None:
        yield Difference("checkpoint", ABSENT, (_hash(Path(model.checkpoint)) or ABSENT)[:_HASH])
    yield from _ini(source, settings)
    yield from _data(old, settings)


def _ini(source: Source, settings: Settings) -> Iterator[Difference]:
    """The ``op_precision.ini`` beside the one whose copy lies with the record's logs."""
    given = settings.precision.op_precision_mode
    copy = source.folder / "logs" / f"{_INI}.ini" if source.folder else None
    if given is None or copy is None or not copy.is_file():
        return
    from harness.backends.atc_command import named_file

    then, now = _hash(copy), _hash(named_file(_INI, given))
    if then != now:
        yield Difference("op_precision.ini", (then or ABSENT)[:_HASH], (now or ABSENT)[:_HASH])


def _data(old: Record, settings: Settings) -> Iterator[Difference]:
    if old.accuracy is None or not old.accuracy.data_sha256 or not settings.evaluates:
        return
    from harness.evaluate.plans import opened_plan

    with opened_plan(settings) as plan:
        now = plan.dataset.fingerprint()
    if now != old.accuracy.data_sha256:
        yield Difference(f"data set {old.accuracy.dataset}", old.accuracy.data_sha256[:_HASH], now[:_HASH])


def _hash(path: Path) -> str | None:
    try:
        return sha256_file(path)
    except OSError:
        return None

"""Brings a record's files into MLflow: small ones grouped in folders, the ONNX file once per hash."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.records.io import ENVIRONMENT_FILE, RECORD_FILE
from harness.records.redaction import redact_text
from harness.records.schema import Artifact, Record
from harness.tracking.store import local_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# Folder in the record -> folder in MLflow. Anything else of a record is the harness's own business.
_GROUPS = {"repeats": "samples"} | {name: name for name in ("telemetry", "logs", "plots", "tables", "profile")}
_TOP = {".png": "plots", ".csv": "tables", ".html": "tables", ".md": "tables", ".ini": "record"}
_TEXT = {".log", ".txt", ".json", ".csv", ".md", ".html", ".ini", ""}
_SWEEP_FILES = {".md", ".png", ".svg", ".html"}
_CELLS_WITH_SWEEP = 100
_COLUMNS = (
    "round", "mean_ms", "median_ms", "min_ms", "max_ms", "iterations", "warmup_iterations", "first_iteration_ms",
    "load_s", "window_s", "peak_memory_bytes", "boundary", "started", "samples_file",
)  # fmt: skip


def upload_files(client: MlflowClient, run: Run, record: Record, folder: Path, sweep: Path) -> None:
    """Bring ``record/``, ``logs/``, ``samples/``, ``tables/`` and ``plots/`` into the run; files there are replaced.

    ``sweep`` is the folder of the cell's sweep: its table and plots stand in ``sweep/`` of its first hundred runs.

    Artifacts on this machine are copied into their place, which is what MLflow would do after asking its database;
    others are staged in a temporary folder and sent in one call.
    """
    place = local_folder(run.info.artifact_uri)
    if place is not None:
        _copy_files(record, folder, sweep, place)
        return
    with tempfile.TemporaryDirectory(prefix="harness-publish-") as name:
        _copy_files(record, folder, sweep, Path(name))
        client.log_artifacts(run.info.run_id, name)


def published_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files of a record that go to MLflow, each with its path there."""
    for name in (RECORD_FILE, ENVIRONMENT_FILE):
        if (folder / name).is_file():
            yield folder / name, f"record/{name}"
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or path.is_symlink() or path.name.endswith(".partial") or not path.stat().st_size:
            continue
        if len(relative.parts) > 1 and relative.parts[0] in _GROUPS:
            yield path, f"{_GROUPS[relative.parts[0]]}/{'/'.join(relative.parts[1:])}"
        elif len(relative.parts) == 1 and path.suffix in _TOP:
            yield path, f"{_TOP[path.suffix]}/{path.name}"


def upload_onnx(client: MlflowClient, run: Run, blob: Path, artifact_path: str) -> None:
    """Put the ONNX file into the run: by hard link where artifacts lie on the store's file system, else through MLflow.

    A link needs no second 330 MB and no time. Both names stay valid whatever happens to the other: the store replaces
    its files and never writes into them, and so does MLflow.

    Raises:
        OSError, MlflowException: the file could not be put there.
    """
    target_folder = local_folder(run.info.artifact_uri)
    if target_folder is not None and _link(blob, target_folder / artifact_path):
        return
    with tempfile.TemporaryDirectory(prefix="harness-publish-") as name:
        # MLflow names an artifact like the file that it is given: the blob is called by its hash.
        named = Path(name) / Path(artifact_path).name
        named.symlink_to(blob.absolute())
        client.log_artifact(run.info.run_id, str(named), str(Path(artifact_path).parent))


def blob_path(home: Path, artifact: Artifact) -> Path:
    """Where the store keeps an artifact: ``<home>/store/blobs/<sha256><suffix>``."""
    return home / "store" / "blobs" / f"{artifact.sha256}{artifact.suffix}"


def _link(source: Path, target: Path) -> bool:
    """Whether ``target`` now is a hard link to ``source``, made so that a reader finds the whole file or none."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, partial)
        partial.replace(target)
    except OSError:
        return False
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return True


def _copy_files(record: Record, folder: Path, sweep: Path, target: Path) -> None:
    for source, name in published_files(folder):
        _copy(source, target / name)
    if record.cell < _CELLS_WITH_SWEEP and sweep.is_dir():
        for source in sorted(sweep.iterdir()):
            if source.is_file() and source.suffix in _SWEEP_FILES:
                _copy(source, target / "sweep" / source.name)
    if record.repeats:
        _write_repeats(record, target / "tables" / "repeats.csv")


def _copy(source: Path, target: Path) -> None:
    """Copy a file; a text that holds a secret is copied without it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix in _TEXT:
        text = source.read_text(encoding="utf-8", errors="surrogateescape")
        clean = redact_text(text)
        if clean != text:
            target.write_text(clean, encoding="utf-8", errors="surrogateescape")
            return
    shutil.copyfile(source, target)


def _write_repeats(record: Record, path: Path) -> None:
    """One line a repeat, for MLflow's page: six significant digits, and times that it does not take for dates."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for repeat in record.repeats:
            writer.writerow([_cell(getattr(repeat, name)) for name in _COLUMNS])


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value.replace("T", " ") if isinstance(value, str) and value[:4].isdigit() else value

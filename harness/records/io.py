"""Writes and reads records: one folder a cell, ``record.json`` in it, everything big beside it.

``<home>/records/<sweep_id>/<cell name>/`` holds ``record.json``, ``environment.json``, ``repeats/round-01.npz`` and
``logs/export.log``. A cell's name may hold slashes. A record is written whole or not at all.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.errors import HarnessError
from harness.files import write_atomically
from harness.records.redaction import redact
from harness.records.schema import READABLE_VERSIONS, SCHEMA_VERSION, Record

RECORD_FILE = "record.json"
ENVIRONMENT_FILE = "environment.json"
_LINE = 120

_ADAPTER = TypeAdapter(Record)


def record_folder(home: Path, sweep_id: str, name: str) -> Path:
    """Where the record of one cell lies below the harness home."""
    return home / "records" / sweep_id / name


def home_of(folder: Path) -> Path | None:
    """The harness home that a record folder lies in (``<home>/records/...``), or None for a record elsewhere."""
    parts = folder.resolve().parts
    for index in range(len(parts) - 1, 0, -1):
        if parts[index] == "records":
            return Path(*parts[:index])
    return None


def write_record(record: Record, folder: Path) -> Path:
    """Write ``record.json`` into the folder, without secrets, atomically; returns its path.

    Raises:
        HarnessError: the folder or the file cannot be written (full disk, no permission); an earlier record is intact.
    """
    content = _ADAPTER.dump_python(record, mode="json")
    for name in ("steps", "repeats"):
        content[name] = [_said(each) for each in content[name]]
    return _write_json(folder / RECORD_FILE, content)


def write_environment(environment: Mapping[str, Any], folder: Path) -> Path:
    """Write ``environment.json`` into the folder, without secrets, atomically; returns its path.

    Raises:
        HarnessError: as :func:`write_record`.
    """
    return _write_json(folder / ENVIRONMENT_FILE, dict(environment))


def read_record(folder: Path) -> Record:
    """Read the record of a folder.

    Raises:
        HarnessError: there is no record, it is damaged, or of a schema version that this harness does not know.
    """
    path = folder / RECORD_FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: no record here; expected the folder of one cell of a sweep") from error
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror}); check its permissions and the disk") from error
    return parse_record(content, path)


def parse_record(content: bytes, path: Path) -> Record:
    """A record from the bytes of its ``record.json``; ``path`` is named in the error.

    Raises:
        HarnessError: damaged, or of a schema version that this harness does not know.
    """
    try:
        record = _ADAPTER.validate_json(content)
    except ValidationError as error:
        raise HarnessError(f"{path}: {_what_is_wrong(content, error)}") from error
    if record.schema_version not in READABLE_VERSIONS:
        raise HarnessError(f"{path}: {_unknown_version(record.schema_version)}")
    return record


def iter_records(root: Path) -> Iterator[tuple[Path, Record | HarnessError]]:
    """All records at or below a folder, in order of their paths, as (folder, record or what is wrong with it).

    A folder that holds a ``record.json`` is a record, and nothing below it is looked at. A root that does not exist
    yields nothing.
    """
    for folder in record_folders(root):
        try:
            yield folder, read_record(folder)
        except HarnessError as error:
            yield folder, error


def record_folders(root: Path, unlisted: Callable[[Path, OSError], None] = lambda _, __: None) -> Iterator[Path]:
    """The folders at or below ``root`` that hold a ``record.json``, in order of their paths.

    ``unlisted`` hears of each folder that is there and cannot be looked into, links that lead nowhere included.
    """
    for folder in _record_folders(str(root), unlisted):
        yield Path(folder)


def _record_folders(root: str, unlisted: Callable[[Path, OSError], None]) -> Iterator[str]:
    try:
        with os.scandir(root) as entries:
            found = list(entries)
    except OSError as error:
        if os.path.lexists(root):
            unlisted(Path(root), error)
        return
    if any(entry.name == RECORD_FILE for entry in found):
        yield root
        return
    for entry in sorted(found, key=lambda entry: entry.name):
        if not entry.name.startswith(".") and (entry.is_dir(follow_symlinks=True) or _leads_nowhere(entry)):
            yield from _record_folders(entry.path, unlisted)


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not Path(entry.path).exists()


def _write_json(path: Path, content: Any) -> Path:
    """Write redacted JSON: a reader sees the old or the new one, whole."""
    text = _layout(_finite(redact(content)))
    data = text.encode("utf-8", errors="replace")  # a log's broken bytes must not lose a record
    try:
        write_atomically(path, data)
    except OSError as error:
        raise HarnessError(f"{path}: cannot be written ({error.strerror}); free space or set HARNESS_HOME") from error
    return path


def _said(value: Any) -> Any:
    """The mapping without what is None or empty: most steps and repeats of a record have little to say."""
    if isinstance(value, dict):
        return {key: _said(item) for key, item in value.items() if item is not None and item != {}}
    return value


def _layout(value: Any, depth: int = 0) -> str:
    """JSON for people and small files: what fits a line stands on one, the rest is indented."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not value or not isinstance(value, (dict, list)) or (depth and depth + len(line) <= _LINE):
        return line
    gap, end = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, list):
        return "[" + gap + f",{gap}".join(_layout(item, depth + 1) for item in value) + end + "]"
    items = (f"{json.dumps(str(key), ensure_ascii=False)}: {_layout(item, depth + 1)}" for key, item in value.items())
    return "{" + gap + f",{gap}".join(items) + end + "}"


def _finite(value: Any) -> Any:
    """The JSON value with infinities and NaN as the words that pydantic reads back as such."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def _what_is_wrong(content: bytes, error: ValidationError) -> str:
    """Why a record does not validate: another schema version, not JSON, or the first field that is wrong."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as damage:
        return f"damaged record, not JSON ({damage}); measure the cell again or restore the file"
    version = data.get("schema_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version not in READABLE_VERSIONS:
        return _unknown_version(version)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "top level"
    return f"damaged record at {where} ({first['msg']}); measure the cell again or restore the file"


def _unknown_version(version: int) -> str:
    advice = "upgrade the harness" if version > SCHEMA_VERSION else "read it with the harness that wrote it"
    return f"record of schema version {version}, but this harness reads {_readable()}; {advice}"


def _readable() -> str:
    return " to ".join(map(str, (READABLE_VERSIONS[0], READABLE_VERSIONS[-1])))

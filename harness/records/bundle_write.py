"""Packs a sweep's records into a bundle: whole or not at all, without secrets, the same bytes for the same records."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, BinaryIO

import harness
from harness.errors import HarnessError
from harness.files import replacing, sha256_file
from harness.records.bundle_index import INDEX, RECORDS, SWEEPS, Index, Member, index_bytes, name_problem
from harness.records.bundle_read import is_too_dense, verify
from harness.records.floors import FILE as FLOORS_FILE
from harness.records.io import iter_records
from harness.records.redaction import environment_secrets, redact, redact_text
from harness.records.schema import Artifact, Record

Progress = Callable[[int, int], None]
"""Called with the number of files that are packed, and that of all."""

MANIFEST = "manifest.json"
_STEPS = "steps"
_NEVER = frozenset({".partial", ".secrets", ".lock"})
_OF_SWEEP = frozenset({".json", ".log", ".md", ".png", ".svg", ".html"})
_TEXT = frozenset({".csv", ".html", ".ini", ".json", ".log", ".md", ".svg", ".txt", ""})
_BLOCK = 1 << 20
_LONG_JSON = 256 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Packed:
    """A bundle that was written: its hash, what it holds, and the files that were left out, with the reasons."""

    path: Path
    sha256: str
    size_bytes: int
    records: int
    files: int
    left_out: tuple[str, ...]


def pack(
    home: Path,
    sweep_id: str,
    target: Path,
    *,
    created: str,
    secrets: Iterable[str] = (),
    progress: Progress = lambda _done, _total: None,
) -> Packed:
    """Write the bundle of a sweep to ``target``, read it back, and say what it is.

    Packed are the folders of its records without the requests and results of their steps, and of the sweep's own
    folder the manifest, log, tables and charts. ``secrets`` are texts that must not get in, beside those that
    :mod:`harness.records.redaction` finds.

    Raises:
        HarnessError: the sweep has no records, a file of it cannot be read, or ``target`` cannot be written; what was
            there before is there still.
    """
    records = home / RECORDS / sweep_id
    found = [record for _, record in iter_records(records)]
    if not found:
        raise HarnessError(f"{records}: no record in it, so there is nothing to pack")
    files, left_out = _files(home, sweep_id)
    known = (*secrets, *environment_secrets())
    blank = Index(sweep_id, created, harness.__version__, (), _artifacts(found))
    try:
        with replacing(target) as file:
            for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
                file.seek(0)
                file.truncate()
                index = _write(file, files, known, blank, method=method, progress=progress)
                file.flush()
                if not is_too_dense(index, file.seek(0, os.SEEK_END)):
                    break
            verify(Path(file.name))
    except OSError as error:
        place = error.filename or target
        raise HarnessError(
            f"{target}: not written: {place}: {error.strerror or error}; free space, or give output=FILE elsewhere"
        ) from error
    size = target.stat().st_size
    return Packed(target, sha256_file(target), size, len(found), len(files), tuple(left_out))


def _files(home: Path, sweep_id: str) -> tuple[list[tuple[str, Path]], list[str]]:
    """What goes into the bundle, by its name there in order, and why other files do not."""
    found: list[tuple[str, Path]] = []
    left_out: list[str] = []
    sweep = home / SWEEPS / sweep_id
    own = [path for path in _below(sweep) if path.parent == sweep and path.suffix in _OF_SWEEP]
    floors = home / FLOORS_FILE
    for path in (*_below(home / RECORDS / sweep_id), *own, *([floors] if floors.is_file() else [])):
        name = path.relative_to(home).as_posix()
        if path.is_symlink() or not path.is_file():
            left_out.append(f"{name}: no ordinary file")
        elif problem := name_problem(name, sweep_id):
            left_out.append(f"{name}: {problem}")
        else:
            found.append((name, path))
    return sorted(found), left_out


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != _STEPS]
        for name in names:
            if Path(name).suffix not in _NEVER:
                yield Path(place) / name


def _write(
    file: BinaryIO,
    files: Sequence[tuple[str, Path]],
    known: Sequence[str],
    blank: Index,
    *,
    method: int,
    progress: Progress,
) -> Index:
    """Write the archive, its index last; returns that, ``blank`` with the members in it."""
    members = []
    with zipfile.ZipFile(file, "w", method) as archive:
        for number, (name, path) in enumerate(files):
            progress(number, len(files))
            with path.open("rb") as source, _member(archive, name, method, path.stat().st_size) as into:
                digest, size = hashlib.sha256(), 0
                for block in _clean(source, path.suffix, known):
                    into.write(block)
                    digest.update(block)
                    size += len(block)
            members.append(Member(name, size, digest.hexdigest()))
        index = replace(blank, members=tuple(members))
        content = index_bytes(index)
        with _member(archive, INDEX, method, len(content)) as into:
            into.write(content)
    progress(len(files), len(files))
    return index


def _member(archive: zipfile.ZipFile, name: str, method: int, size: int) -> IO[bytes]:
    """A member to write, with nothing in it that depends on the machine or the day."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = method
    entry.create_system = 3
    entry.external_attr = 0o100644 << 16
    return archive.open(entry, "w", force_zip64=size > 1 << 30)


def _clean(source: BinaryIO, suffix: str, known: Sequence[str]) -> Iterator[bytes]:
    """The file's content without secrets: bytes as they are where there is none to hide."""
    if suffix not in _TEXT:
        while block := source.read(_BLOCK):
            yield block
        return
    if suffix == ".json":
        content = source.read(_LONG_JSON)
        with suppress(ValueError, RecursionError):
            value = json.loads(content)
            clean = redact(value, known)
            yield content if clean == value else json.dumps(clean, indent=1).encode()
            return
        source.seek(0)
    for line in source:
        text = line.decode("utf-8", "surrogateescape")
        yield redact_text(text, known).encode("utf-8", "surrogateescape")


def _artifacts(records: Sequence[Record | HarnessError]) -> tuple[Artifact, ...]:
    """The artifacts of all records, each once."""
    used: dict[str, Artifact] = {}
    for record in records:
        if isinstance(record, Record):
            used |= {each.sha256: each for each in record.artifacts.values()}
    return tuple(used[sha256] for sha256 in sorted(used))

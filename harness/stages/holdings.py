"""What the store holds and who needs it: every file, its stages, when it was last used, which records name it.

A record needs every SHA-256 that stands in its ``record.json``, of files and of stage keys, whatever its schema
version: what is not understood is not given up. A cell of a sweep that can be gone on with also needs what its steps'
files name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from pydantic import TypeAdapter
from pydantic_core import from_json

from harness.errors import HarnessError
from harness.records.io import RECORD_FILE, record_folders
from harness.stages.store import KEY_DIGITS, Entry, Store

NO_STAGE = "-"
"""The stage of a file that no key leads to."""
_SHA256 = re.compile(rb"\b[0-9a-f]{64}\b")
_MAKER = re.compile(r"(?:stage-|\.json\.)(\d+)-\w+(?:\.partial)?$")
_ENTRY = TypeAdapter(Entry)


@dataclass(frozen=True)
class Key:
    """One stage key on disk: what led to it is in its file; ``blobs`` are names below ``blobs/``."""

    path: Path
    stage: str
    blobs: tuple[str, ...]
    used_s: float
    """When it was last made or served, in seconds since 1970."""


@dataclass(frozen=True)
class Holding:
    """A file of the store. ``needed_by`` are the folders of the records that name it, below the records' root."""

    path: Path
    size_bytes: int
    used_s: float
    keys: tuple[Key, ...] = ()
    needed_by: tuple[str, ...] = ()
    linked: bool = False
    """Whether it has other names, such as in MLflow's artifacts: its space is not free before all are gone."""

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that made it, or ``NO_STAGE``."""
        return tuple(sorted({key.stage for key in self.keys})) or (NO_STAGE,)


@dataclass(frozen=True)
class Leftover:
    """What a process left behind: of a stage or a write that was killed, or from which a stage would go on."""

    path: Path
    size_bytes: int
    used_s: float
    running: bool = False
    """Whether the process that made it still runs on this machine."""
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Holdings:
    """Everything in a store: files, leftovers, and the keys, some of which lead to no file."""

    files: tuple[Holding, ...]
    leftovers: tuple[Leftover, ...] = ()
    keys: tuple[Key, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    """What of the records cannot be read, and why: what these need is unknown."""

    @property
    def dangling(self) -> tuple[Key, ...]:
        """The keys whose files are gone, wholly or in part."""
        there = {each.path.name for each in self.files}
        return tuple(key for key in self.keys if not there.issuperset(key.blobs))

    @property
    def everything(self) -> tuple[Holding | Leftover, ...]:
        """Files and leftovers."""
        return (*self.files, *self.leftovers)

    @property
    def size_bytes(self) -> int:
        """What the store takes on the disk, keys and locks aside."""
        return sum(each.size_bytes for each in self.everything)


def holdings(store: Store, records: Path, unfinished: Iterable[str] = ()) -> Holdings:
    """Look through a store and the records that may need it; reads no blob.

    ``unfinished`` are the folders below ``records`` of the sweeps that can be gone on with.

    Raises:
        HarnessError: the store's folder is there but cannot be listed.
    """
    needs, unread = _needs(records, unfinished)
    keys = list(_keys(store))
    by_blob: dict[str, list[Key]] = {}
    for key in keys:
        for name in set(key.blobs):
            by_blob.setdefault(name, []).append(key)
    files = []
    for path in _listed(store.root / "blobs"):
        try:
            stat = path.stat()
        except OSError:
            continue  # another process took it away
        owners = tuple(by_blob.get(path.name, ()))
        names = {path.name[:64], *(key.path.stem for key in owners)}
        files.append(
            Holding(
                path=path,
                size_bytes=stat.st_size,
                used_s=max([stat.st_mtime, *(key.used_s for key in owners)]),
                keys=owners,
                needed_by=_needed(needs, names),
                linked=stat.st_nlink > 1,
            )
        )
    return Holdings(tuple(files), tuple(_leftovers(store, needs)), tuple(keys), unread)


def _keys(store: Store) -> Iterator[Key]:
    for stage in _listed(store.root / "keys"):
        for path in (each for each in _listed(stage) if each.suffix == ".json"):
            try:
                used_s = path.stat().st_mtime
                entry = _ENTRY.validate_json(path.read_bytes())
            except (OSError, ValueError):
                continue  # lookup does not serve it either
            blobs = tuple(store.path(artifact).name for artifact in entry.artifacts.values())
            yield Key(path, stage.name, blobs, used_s)


def _needs(records: Path, unfinished: Iterable[str]) -> tuple[dict[str, set[str]], dict[str, str]]:
    """The cells that name each SHA-256, and what cannot be read."""
    needs: dict[str, set[str]] = {}
    unread: dict[str, str] = {}

    def note(cell: Path, content: bytes) -> None:
        for found in _SHA256.findall(content):
            needs.setdefault(found.decode(), set()).add(cell.relative_to(records).as_posix())

    def refuse(path: Path, error: Exception) -> None:
        words = error.strerror if isinstance(error, OSError) else f"no JSON: {error}"
        unread[str(path)] = words or type(error).__name__

    for folder in record_folders(records, unlisted=refuse):
        path = folder / RECORD_FILE
        try:
            content = path.read_bytes()
            from_json(content)  # of a record that was cut short the end is unknown
            note(folder, content)
        except (OSError, ValueError) as error:
            refuse(path, error)
    for sweep in unfinished:
        for path in sorted((records / sweep).rglob("steps/*.json")):
            try:
                note(path.parent.parent, path.read_bytes())
            except FileNotFoundError:
                continue  # its sweep is at work and begins the step again
            except OSError as error:
                refuse(path, error)
    return needs, unread


def _needed(needs: Mapping[str, set[str]], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set[str]().union(*(needs.get(name, ()) for name in names))))


def _leftovers(store: Store, needs: Mapping[str, set[str]]) -> Iterator[Leftover]:
    by_prefix: dict[str, set[str]] = {}
    for name in needs:
        by_prefix.setdefault(name[:KEY_DIGITS], set()).add(name)
    for folder in _listed(store.root / "work"):
        yield _leftover(folder)
    for folder in _listed(store.root / "unfinished"):
        names = by_prefix.get(folder.name.rpartition("-")[2], set())
        yield _leftover(folder, _needed(needs, names))
    for stage in _listed(store.root / "keys"):
        for path in (each for each in _listed(stage) if each.suffix == ".partial"):
            yield _leftover(path)


def _leftover(path: Path, needed_by: tuple[str, ...] = ()) -> Leftover:
    size_bytes, used_s = 0, 0.0
    for each in (path, *path.rglob("*")):
        try:
            stat = each.lstat()
        except OSError:
            continue  # another process took it away
        size_bytes += 0 if each.is_dir() else stat.st_size
        used_s = max(used_s, stat.st_mtime)
    maker = _MAKER.search(path.name)
    running = maker is not None and psutil.pid_exists(int(maker[1]))
    return Leftover(path, size_bytes, used_s, running=running, needed_by=needed_by)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HarnessError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error

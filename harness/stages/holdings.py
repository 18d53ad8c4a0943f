"""What the store holds and who needs it: every file, the stages that made it, when it was last used, which records name it.

A record needs every SHA-256 that stands in its ``record.json``, whatever its schema version and however damaged it is:
what is not understood is not given up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from harness.errors import HarnessError
from harness.records.io import RECORD_FILE, record_folders
from harness.stages.store import Entry, Store

_SHA256 = re.compile(rb"[0-9a-f]{64}")
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

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that made it, or ``-`` for a file that no key leads to."""
        return tuple(sorted({key.stage for key in self.keys})) or ("-",)


@dataclass(frozen=True)
class Leftover:
    """A folder that a process left behind: of a stage that was killed, or from which one would go on."""

    path: Path
    size_bytes: int
    used_s: float
    running: bool
    """Whether the process that made it still runs on this machine."""


@dataclass(frozen=True)
class Holdings:
    """Everything in a store: files, leftovers, and the keys whose files are gone."""

    files: tuple[Holding, ...]
    leftovers: tuple[Leftover, ...] = ()
    dangling: tuple[Key, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    """Records that cannot be read at all, and why: what they need is unknown."""

    @property
    def size_bytes(self) -> int:
        """What the store takes on the disk, keys and locks aside."""
        return sum(each.size_bytes for each in (*self.files, *self.leftovers))


def holdings(store: Store, records: Path) -> Holdings:
    """Look through a store and the records that may need it; reads no blob.

    Raises:
        HarnessError: the store's folder is there but cannot be listed.
    """
    keys = list(_keys(store))
    needs, unread = _needs(records)
    by_blob: dict[str, list[Key]] = {}
    for key in keys:
        for name in key.blobs:
            by_blob.setdefault(name, []).append(key)
    files = []
    for path in _listed(store.root / "blobs"):
        try:
            stat = path.stat()
        except OSError:
            continue  # another process took it away
        owners = tuple(by_blob.get(path.name, ()))
        used_s = max([stat.st_mtime, *(key.used_s for key in owners)])
        needed = tuple(needs.get(path.name[:64], ()))
        files.append(Holding(path, stat.st_size, used_s, owners, needed))
    there = {each.path.name for each in files}
    dangling = tuple(key for key in keys if not there.issuperset(key.blobs))
    return Holdings(tuple(files), tuple(_leftovers(store)), dangling, unread)


def _keys(store: Store) -> Iterator[Key]:
    for stage in _listed(store.root / "keys"):
        for path in _listed(stage):
            try:
                used_s = path.stat().st_mtime
                entry = _ENTRY.validate_json(path.read_bytes())
            except (OSError, ValueError):
                continue  # lookup does not serve it either
            blobs = tuple(store.path(artifact).name for artifact in entry.artifacts.values())
            yield Key(path, stage.name, blobs, used_s)


def _needs(records: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The records that name each SHA-256, and those that cannot be read."""
    needs: dict[str, list[str]] = {}
    unread = {}
    for folder in record_folders(records):
        name = folder.relative_to(records).as_posix()
        try:
            content = (folder / RECORD_FILE).read_bytes()
        except OSError as error:
            unread[name] = error.strerror or str(error)
            continue
        for sha256 in {found.decode() for found in _SHA256.findall(content)}:
            needs.setdefault(sha256, []).append(name)
    return needs, unread


def _leftovers(store: Store) -> Iterator[Leftover]:
    for place in ("work", "unfinished"):
        for folder in _listed(store.root / place):
            try:
                size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                used_s = folder.stat().st_mtime
            except OSError:
                continue
            yield Leftover(folder, size_bytes, used_s, running=place == "work" and _alive(folder.name))


def _alive(name: str) -> bool:
    """Whether the process that a workspace is named after runs; the name is ``stage-<pid>-<random>``."""
    pid = name.split("-")[1]
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HarnessError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error

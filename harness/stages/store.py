"""The store: files under their SHA-256, and what each stage key led to.

``<home>/store/blobs/<sha256><suffix>`` holds the files, ``keys/<stage>/<key>.json`` what a stage made from which
inputs, ``work/`` the folders of stages that are running, ``unfinished/`` what one that was
interrupted goes on from. A file appears under its name whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from harness.files import sha256_file, write_atomically
from harness.records.schema import SCHEMA, Artifact

KEY_DIGITS = 32
"""How many digits of its key the names of a lock and of an unfinished folder bear."""


@dataclass(config=SCHEMA)
class Entry:
    """What a stage made for one key: its artifacts by name, what it found out, and how long it took."""

    artifacts: Mapping[str, Artifact] = Field(default_factory=dict)
    info: Mapping[str, Any] = Field(default_factory=dict)
    wall_s: float = 0.0


_ENTRY = TypeAdapter(Entry)


class Store:
    """The content-addressed files below one folder. Cheap to make; safe for several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._verified: dict[Path, tuple[int, int]] = {}

    def path(self, artifact: Artifact) -> Path:
        """Where the artifact lies, whether or not it is there."""
        return self.root / "blobs" / f"{artifact.sha256}{artifact.suffix}"

    def put(self, file: Path) -> Artifact:
        """Move a finished file into the store under its hash; one that is there already is replaced by its equal."""
        artifact = Artifact(sha256=sha256_file(file), size_bytes=file.stat().st_size, suffix=file.suffix)
        target = self.path(artifact)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
        return artifact

    def intact(self, artifact: Artifact) -> bool:
        """Whether the artifact is there and still has its hash. A file unchanged since is not read twice."""
        path = self.path(artifact)
        try:
            stat = path.stat()
            mark = (stat.st_size, stat.st_mtime_ns)
            if self._verified.get(path) == mark:
                return True
            good = stat.st_size == artifact.size_bytes and sha256_file(path) == artifact.sha256
        except OSError:
            return False
        if good:
            self._verified[path] = mark
        return good

    def discard(self, artifact: Artifact) -> None:
        """Remove a damaged file, so that no key that promises it is served."""
        self.path(artifact).unlink(missing_ok=True)

    def lookup(self, stage: str, key: str, *, using: bool = True) -> Entry | None:
        """What the stage made for this key, or None: never made, unreadable, or a file of it missing or cut short.

        The files' content is not read here: whoever uses one asks ``intact`` first. ``using``: the key is marked as
        used now, which its files' removal goes by; before they are looked at, so that nobody removes them after that.
        """
        path = self._key_path(stage, key)
        try:
            if using:
                with suppress(PermissionError):  # somebody else's store can be read all the same
                    os.utime(path)
            entry = _ENTRY.validate_json(path.read_bytes())
        except (OSError, ValueError):
            return None
        return entry if all(self._whole(artifact) for artifact in entry.artifacts.values()) else None

    def save(self, stage: str, key: str, entry: Entry) -> None:
        """Remember what a key led to."""
        write_atomically(self._key_path(stage, key), _ENTRY.dump_json(entry, indent=1))

    def forget(self, stage: str, key: str) -> None:
        """Forget what a key led to, so that the stage runs again; its files stay."""
        self._key_path(stage, key).unlink(missing_ok=True)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder on the store's file system for files in the making; gone afterwards, whatever happened."""
        (self.root / "work").mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.root / "work", prefix=f"stage-{os.getpid()}-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def unfinished(self, stage: str, key: str) -> Path:
        """The folder in which a stage keeps what it needs to go on after a kill; it ends when the stage is done."""
        return self.root / "unfinished" / f"{stage}-{key[:KEY_DIGITS]}"

    def lock_path(self, stage: str, key: str) -> Path:
        """The lock that a process holds while it makes this key, so that two make it once."""
        path = self.root / "locks" / f"{stage}-{key[:KEY_DIGITS]}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _whole(self, artifact: Artifact) -> bool:
        try:
            return self.path(artifact).stat().st_size == artifact.size_bytes
        except OSError:
            return False

    def _key_path(self, stage: str, key: str) -> Path:
        return self.root / "keys" / stage / f"{key}.json"

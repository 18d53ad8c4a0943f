"""Trusting a file in the cache: its SHA-256, remembered beside it so that it is computed once and not on every start.

``FILE.verified`` holds the hash together with the size and the times that the file had then. A file that was touched
since is hashed anew.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from harness.files import sha256_file


def sha256_of(file: Path) -> str | None:
    """The SHA-256 of a file's content in hex, from its memo where that still holds; None where there is no file.

    Raises:
        OSError: the file cannot be read, or is a folder.
    """
    try:
        stamp = _stamp(file)
    except FileNotFoundError:
        return None
    remembered = _recall(file)
    if remembered is not None and remembered[0] == stamp:
        return remembered[1]
    digest = sha256_file(file)
    remember(file, digest)
    return digest


def remember(file: Path, digest: str) -> None:
    """Note the hash of a file as it is now; a cache that cannot be written to goes without."""
    with suppress(OSError):
        _memo(file).write_text(json.dumps({"stamp": _stamp(file), "sha256": digest}))


def set_aside(file: Path, found: Path | None = None) -> Path:
    """Move what is not the ``file`` that it should be to ``FILE.bad``, where nothing looks for it; returns that path.

    It lies at ``file``, or at ``found`` (a finished download).
    """
    aside = file.with_name(file.name + ".bad")
    (found or file).replace(aside)
    with suppress(FileNotFoundError):
        _memo(file).unlink()
    return aside


def _stamp(file: Path) -> list[int]:
    """Size in bytes, and when content and inode last changed, in ns: the last cannot be set back by copying."""
    state = file.stat()
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns]


def _memo(file: Path) -> Path:
    return file.with_name(file.name + ".verified")


def _recall(file: Path) -> tuple[list[int], str] | None:
    try:
        said = json.loads(_memo(file).read_text())
        return list(said["stamp"]), str(said["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

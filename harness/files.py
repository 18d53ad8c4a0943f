"""Files as everything here needs them: known by their content, and replaced whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The errors of a full disk, or of a user's full share of it."""
FULL_BYTES = 64 * 1024
"""A file system with less room than this is full: a result and its log need about as much."""
FREE_SPACE = "free space (python -m harness.store gc), or put HARNESS_HOME on a larger disk, and run the sweep again"
"""What a user can do about it."""
_BLOCK_BYTES = 1 << 20


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, in hex, read in pieces. Raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write in the place of ``path``: after any kill or power cut a reader finds the old one or the new one.

    Its folder is made. Where the block raises, what was at ``path`` stays. ``private``: only its owner can read it.
    Raises OSError (full disk, no permission).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        mode = 0o600 if private else 0o666
        with open(partial, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    _sync_folder(path.parent)


def write_atomically(path: Path, content: bytes, *, private: bool = False) -> None:
    """Replace a file by this content, as ``replacing`` does. Raises OSError.

    What is no file, such as ``/dev/null`` or a pipe, is written to and stays what it is.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    with replacing(path, private=private) as file:
        file.write(content)


def no_room(folder: Path) -> bool:
    """Whether the folder's file system has no block or no entry left to write a result with; False if it is unknown."""
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < FULL_BYTES or (room.f_files > 0 and room.f_favail == 0)


def there(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists: where it would be made."""
    return next(each for each in (path, *path.absolute().parents) if each.exists())


def _sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

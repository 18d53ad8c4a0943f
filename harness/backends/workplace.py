"""A folder in which Ascend's tools can work: its own, at a path that they accept, with files that they accept.

ais_bench refuses paths with anything but ``A-Za-z0-9_-/.``, links, and files that others may write to (ASCEND.md,
section a.2); ATC leaves files in the current folder. The store lies where the user put it.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LEGAL = re.compile(r"[A-Za-z0-9_\-/.]+")
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
UMASK = 0o022


@contextmanager
def workplace(preferred: Path | None) -> Iterator[Path]:
    """A new folder below ``preferred``, or below the system's temporary folder where that is None or not accepted."""
    below = preferred.resolve() if preferred is not None else None
    legal = below is not None and LEGAL.fullmatch(str(below))
    folder = tempfile.mkdtemp(prefix="cann-", dir=below if legal else None)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def beside(model: Path) -> Path | None:
    """The store's folder for work, where the model lies in the store: outputs of a large batch take gigabytes."""
    folder = model.parent.parent / "work"
    return folder if folder.is_dir() else None


def acceptable(file: Path, folder: Path, name: str) -> Path:
    """The file itself where its path and its permissions are accepted, else a copy in ``folder`` called ``name``."""
    real = file.resolve()
    mode = real.stat().st_mode
    if LEGAL.fullmatch(str(real)) and not mode & OTHERS_WRITE and real.suffix == Path(name).suffix:
        return real
    target = folder / name
    if not mode & OTHERS_WRITE:
        with suppress(OSError):
            os.link(real, target)
            return target
    shutil.copyfile(real, target)
    target.chmod(0o644)
    return target

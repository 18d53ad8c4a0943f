"""A folder in which a device's tools can work: its own, at a path that they accept, with files that they accept.

ais_bench refuses paths with anything but ``A-Za-z0-9_-/.``, links, and files that others may write to (ASCEND.md,
section a.2); ATC leaves files in the current folder. The store lies where the user put it.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import HarnessError

LEGAL = re.compile(r"[A-Za-z0-9_\-/.]+")
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
UMASK = 0o022


@contextmanager
def workplace(preferred: Path | None) -> Iterator[Path]:
    """A new folder below ``preferred``, or below the system's temporary folder where that is None or not accepted."""
    below = preferred.resolve() if preferred is not None else None
    legal = below is not None and LEGAL.fullmatch(str(below))
    folder = tempfile.mkdtemp(prefix="tool-", dir=below if legal else None)
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


def run_tool(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[str, int]:
    """All that a tool prints, standard error among it, and its exit status; it runs in ``folder`` and reads nothing.

    Raises:
        HarnessError: it cannot be started (reason ``tool_not_executable``).
    """
    try:
        done = subprocess.run(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            umask=UMASK,
            check=False,
        )
    except OSError as error:
        raise HarnessError(f"{command[0]}: {error.strerror or error}", reason="tool_not_executable") from error
    return done.stdout.decode(errors="replace"), done.returncode

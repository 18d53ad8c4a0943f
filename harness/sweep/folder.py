"""A sweep's own folder, ``<home>/sweeps/<sweep_id>``: manifest, lock, and the mark of one that is unfinished."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness.config.nearest import suggestion
from harness.errors import ConfigError, HarnessError
from harness.records.schema import Record
from harness.sweep.locks import holder, locked_now
from harness.sweep.manifest import Manifest
from harness.sweep.restore import finished_cell

MANIFEST_FILE = "manifest.json"
LOCK_FILE = "lock"
UNFINISHED_FILE = "unfinished"
"""Lies in the folder from before the first cell until every cell is finished and the sweep was published."""


def sweep_folder(home: Path, sweep_id: str) -> Path:
    """Where a sweep keeps its manifest, its log, its table and its charts."""
    return home / "sweeps" / sweep_id


def begin_sweep(folder: Path) -> None:
    """Mark a sweep as unfinished; on a full disk it has no mark and is found by its name only."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / UNFINISHED_FILE).touch()


def end_sweep(folder: Path) -> None:
    """Take the mark away."""
    with suppress(OSError):
        (folder / UNFINISHED_FILE).unlink(missing_ok=True)


def finished_sweep(manifest: Manifest, records: Sequence[Record]) -> bool:
    """Whether nothing is left to do; ``records`` are in the order of the cells."""
    return all(finished_cell(cell, record) for cell, record in zip(manifest.cells, records, strict=True))


def running_sweeps(home: Path) -> dict[str, float]:
    """The sweeps that a process is at work on now, and when that began, in seconds since 1970: at the latest then.

    What they have looked up or made was used since; only of a sweep whose folder does not say it, the time is 0.
    """
    found = {}
    for lock in sorted((home / "sweeps").glob(f"*/{LOCK_FILE}")):
        if holder(lock) is None and not _locked(lock):
            continue
        times = [0.0]
        for name in (LOCK_FILE, UNFINISHED_FILE):
            with suppress(OSError):
                times.append((lock.parent / name).stat().st_mtime)
        found[lock.parent.name] = times[-1]
    return found


def unfinished_sweeps(home: Path) -> list[str]:
    """The sweeps that can be gone on with, in order of their names."""
    return sorted(path.parent.name for path in (home / "sweeps").glob(f"*/{UNFINISHED_FILE}"))


def _locked(lock: Path) -> bool:
    """Whether a lock is held by anybody, also where the kernel does not tell by whom."""
    try:
        with locked_now(lock):
            return False
    except HarnessError:  # held, or not to be opened: who knows
        return True


def find_sweep(name: str | None, home: Path) -> Path:
    """The folder of the sweep that is meant: by its id, the beginning of it or its path; None: the newest unfinished.

    Raises:
        ConfigError: there is no such sweep, or several begin so, with what there is.
    """
    root, there = home / "sweeps", _planned(home)
    if name is None:
        unfinished = [each for each in there if (root / each / UNFINISHED_FILE).exists()]
        if not unfinished:
            known = f"the newest sweep is {there[-1]}; name it to repeat its failed cells" if there else "none is there"
            raise ConfigError(f"no unfinished sweep in {root}: {known}")
        return root / unfinished[-1]
    wanted = _id_of(name, root)
    found = [each for each in there if each == wanted] or [each for each in there if each.startswith(wanted)]
    if len(found) == 1:
        return root / found[0]
    if found:
        raise ConfigError(f"{name}: {len(found)} sweeps begin so ({', '.join(found[-3:])}); give one of them")
    raise ConfigError(f"{name}: no sweep of this name in {root}; {suggestion(wanted, there[-20:], 'sweeps')}")


def _id_of(name: str, root: Path) -> str:
    """The id that a word means: itself, or the name of the folder that it is the path of, or of a file in it.

    Raises:
        ConfigError: nothing is named, or a folder of another home.
    """
    path = Path(name).expanduser()
    if name and path.name == name:
        return name
    folder = (path.parent if path.is_file() else path).resolve()
    if not path.exists() or folder.parent != root.resolve():
        raise ConfigError(f"{name or repr(name)}: no sweep in {root}; for one of another home set HARNESS_HOME=DIR")
    return folder.name


def newest_sweep(home: Path) -> Path:
    """The folder of the sweep that was planned last, finished or not.

    Raises:
        ConfigError: there is none.
    """
    there = _planned(home)
    if not there:
        raise ConfigError(f"no sweep in {home / 'sweeps'}: measure one first, or set HARNESS_HOME=DIR")
    return home / "sweeps" / there[-1]


def _planned(home: Path) -> list[str]:
    """The sweeps that have a manifest, oldest first."""
    return sorted(path.parent.name for path in (home / "sweeps").glob(f"*/{MANIFEST_FILE}"))

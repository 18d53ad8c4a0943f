"""Finds the records that a user names: a folder or bundle, a sweep, a cell of it, or a cell's name (its newest)."""

from __future__ import annotations

from pathlib import Path

from harness.config.nearest import suggestion
from harness.errors import ConfigError
from harness.records.bundle_index import SUFFIX
from harness.records.bundle_read import is_bundle, unpacked
from harness.records.io import iter_records, record_folders
from harness.records.schema import Record


def named_records(name: str, home: Path) -> list[Record]:
    """The records that ``name`` means below a harness home, in order of their cells; see :func:`named_folder`.

    Raises:
        ConfigError: nothing or more than one sweep has that name, or a record that it means is damaged.
        HarnessError: a bundle is refused.
    """
    return [record for _, record in records_below(named_folder(name, home))]


def named_folder(name: str, home: Path) -> Path:
    """The folder of the records that ``name`` means below a harness home.

    In this order: a folder that is or holds records; a bundle, or what is named in it (``BUNDLE.zip:CELL``); ``SWEEP``
    or ``SWEEP/CELL`` below ``<home>/records``, of which the sweep's id may be cut short where only one begins so; the
    newest record of a cell with that name.

    Raises:
        ConfigError: nothing or more than one sweep has that name.
        HarnessError: a bundle is refused.
    """
    file, colon, inside = name.rpartition(f"{SUFFIX}:")
    bundle = Path(f"{file}{SUFFIX}" if colon else name).expanduser()
    if is_bundle(bundle):
        packed = unpacked(bundle)
        return named_folder(inside, packed) if inside and colon else packed / "records"
    root = home / "records"
    if Path(name).parent.name == "sweeps":  # the folder of its table and plots
        name = Path(name).name
    for folder in (Path(name).expanduser(), root / name):
        if folder.is_dir() and any(True for _ in record_folders(folder)):
            return folder
    sweeps = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    beginning, _, cell = name.partition("/")
    begun = [sweep for sweep in sweeps if beginning and sweep.startswith(beginning) and (root / sweep / cell).is_dir()]
    if len(begun) == 1:
        return root / begun[0] / cell
    if begun:
        raise ConfigError(f"{name}: {len(begun)} sweeps begin so ({', '.join(begun[-3:])}); give one of them")
    newest = next((root / sweep / name for sweep in reversed(sweeps) if (root / sweep / name).is_dir()), None)
    if newest is not None:
        return newest
    raise ConfigError(
        f"{name}: no record of this name in {root}; give a record's folder, a sweep, SWEEP/CELL or a cell's name;"
        f" {suggestion(name, sweeps[-20:], 'sweeps')}"
    )


def records_below(folder: Path) -> list[tuple[Path, Record]]:
    """The records at or below a folder with their folders, in order of their cells.

    Raises:
        ConfigError: one of them is damaged.
    """
    found = []
    for path, record in iter_records(folder):
        if not isinstance(record, Record):
            raise ConfigError(str(record)) from record
        found.append((path, record))
    return sorted(found, key=lambda each: (each[1].sweep_id, each[1].cell))

"""Finds the records that a user names: a folder, a sweep, a cell of a sweep, or a cell's name (its newest record)."""

from __future__ import annotations

from pathlib import Path

from harness.config.nearest import suggestion
from harness.errors import ConfigError
from harness.records.io import iter_records, record_folders
from harness.records.schema import Record


def named_records(name: str, home: Path) -> list[Record]:
    """The records that ``name`` means below a harness home, in order of their cells.

    In this order: a folder that is or holds records; ``SWEEP`` or ``SWEEP/CELL`` below ``<home>/records``; the only
    sweep whose id begins with the name; the newest record of a cell with that name.

    Raises:
        ConfigError: nothing or more than one sweep has that name, or a record that it means is damaged.
    """
    root = home / "records"
    if Path(name).parent.name == "sweeps":  # the folder of its table and plots
        name = Path(name).name
    for folder in (Path(name).expanduser(), root / name):
        if folder.is_dir() and any(True for _ in record_folders(folder)):
            return _read(folder)
    sweeps = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    begun = [sweep for sweep in sweeps if sweep.startswith(name)]
    if len(begun) == 1:
        return _read(root / begun[0])
    if begun:
        raise ConfigError(f"{name}: {len(begun)} sweeps begin so ({', '.join(begun[-3:])}); give one of them")
    newest = next((root / sweep / name for sweep in reversed(sweeps) if (root / sweep / name).is_dir()), None)
    if newest is not None:
        return _read(newest)
    raise ConfigError(
        f"{name}: no record of this name in {root}; give a record's folder, a sweep, SWEEP/CELL or a cell's name;"
        f" {suggestion(name, sweeps[-20:], 'sweeps')}"
    )


def _read(folder: Path) -> list[Record]:
    found = []
    for path, record in iter_records(folder):
        if not isinstance(record, Record):
            raise ConfigError(f"{path}: {record}") from record
        found.append(record)
    return sorted(found, key=lambda record: (record.sweep_id, record.cell))

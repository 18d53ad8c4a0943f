"""Finds records where a user says that they are: a harness home, a folder of records, that of one record, a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.errors import ConfigError
from harness.records.bundle_read import is_bundle, unpacked
from harness.records.found import Found
from harness.records.io import RECORD_FILE, home_of, record_folders


def is_uri(place: str) -> bool:
    """Whether a place is a store's URI rather than a folder of this machine."""
    return "://" in place or place.startswith("sqlite:")


def records_root(folder: Path) -> Path:
    """Where the records of a folder lie: ``records`` of a harness home, else the folder itself."""
    home = folder / "records"
    return home if home.is_dir() and not (folder / RECORD_FILE).is_file() else folder


def found_below(folder: Path) -> Iterator[Found]:
    """Every record at or below a folder, in order of their paths; one that cannot be read with its problem.

    Those of a bundle are checked whole and lie in a temporary folder; their place is ``BUNDLE.zip:SWEEP/CELL``.

    Raises:
        ConfigError: there is no such folder.
        HarnessError: a bundle is refused, with the member and the reason.
    """
    if is_bundle(folder):
        yield from _in_bundle(folder)
        return
    if not folder.is_dir():
        raise ConfigError(
            f"{folder}: no such folder; give a harness home, a folder of records, a bundle (.zip), or a store's URI"
        )
    root = records_root(folder)
    home = home_of(root / "any")
    for each in record_folders(root):
        try:
            with open(f"{each}/{RECORD_FILE}", "rb") as file:  # noqa: PTH123 - a Path costs as much as the reading
                content = file.read()
        except OSError as error:
            yield Found(str(each), problem=f"cannot be read ({error.strerror})", folder=each)
        else:
            yield Found(str(each), content=content, folder=each, home=home)


def _in_bundle(bundle: Path) -> Iterator[Found]:
    home = unpacked(bundle)
    for each in found_below(home):
        cell = Path(each.place).relative_to(records_root(home)).as_posix()
        yield replace(each, place=f"{bundle}:{cell}")

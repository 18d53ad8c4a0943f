"""The manifest: the frozen plan of a sweep, written before the first cell runs and never composed again."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from harness.config.schema import SCHEMA, Settings
from harness.errors import HarnessError
from harness.files import write_atomically
from harness.records.schema import Outcome
from harness.sweep.heap import loading

MANIFEST_VERSION = 1


@dataclass(config=SCHEMA)
class Cell:
    """One point of the sweep. ``decided`` is set where the outcome is known before anything runs (skipped).

    ``notes`` are sentences that a reader of its result should see, such as why its weights are not trained.
    """

    index: int
    name: str
    overrides: tuple[str, ...]
    settings: Settings
    decided: Outcome | None = None
    notes: tuple[str, ...] = ()


@dataclass(config=SCHEMA)
class Manifest:
    """All cells of a sweep with their resolved settings. ``sweep_id`` names its folder below ``<home>/sweeps``."""

    sweep_id: str
    created: str
    command: tuple[str, ...]
    cells: tuple[Cell, ...]
    interleaved: bool = True
    schema_version: int = MANIFEST_VERSION

    @property
    def rounds(self) -> int:
        """The number of rounds that the most demanding cell asks for."""
        return max((cell.settings.repeats for cell in self.cells), default=0)


_ADAPTER = TypeAdapter(Manifest)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write the manifest atomically: a reader sees all of it or none."""
    write_atomically(path, _ADAPTER.dump_json(manifest, indent=1))


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        HarnessError: the file is absent, damaged, or of another schema version.
    """
    try:
        with loading():
            return _ADAPTER.validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: not a readable sweep manifest ({error})".splitlines()[0]) from error

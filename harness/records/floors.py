"""The noise floors of this home's devices: how far a cell lies from itself. ``<home>/noise_floors.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from harness.errors import HarnessError
from harness.files import write_atomically
from harness.records.schema import SCHEMA, Record
from harness.records.tabled import AnyRecord

FILE = "noise_floors.json"


@dataclass(config=SCHEMA)
class Floor:
    """``floor`` is the |ln ratio| of throughputs below which a difference is noise; ``sweep_id`` measured it.

    It holds for a host, its device (``hardware``: what that calls itself), and a backend.
    """

    host: str
    soc_version: str
    hardware: str
    backend: str
    floor: Annotated[float, Field(ge=0)]
    rounds: int
    cell: str
    sweep_id: str
    measured: str


_FLOORS = TypeAdapter(tuple[Floor, ...])


def place_of(record: AnyRecord) -> tuple[str, str, str, str]:
    """Host, soc_version, hardware and backend of a record: what a floor holds for."""
    device = record.device
    hardware = str(device.get("model") or device.get("cpu_model") or device.get("name") or "")
    host = str(record.environment.get("hostname") or "")
    return host, _name(record, "soc_version"), hardware, _name(record, "backend")


def _name(record: AnyRecord, group: str) -> str:
    chosen = record.settings.get(group)
    return str(chosen.get("name") or "") if isinstance(chosen, Mapping) else ""


def read_floors(home: Path) -> tuple[Floor, ...]:
    """All floors of a home; none where nothing was calibrated.

    Raises:
        HarnessError: the file is damaged.
    """
    path = home / FILE
    try:
        return _FLOORS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise HarnessError(f"{path}: not readable ({reason}); remove it and calibrate again") from error


def noise_floor(home: Path, record: Record) -> Floor | None:
    """The floor of a record's device, or None where it was not calibrated."""
    return floor_of(read_floors(home), record)


def floor_of(floors: Sequence[Floor], record: AnyRecord) -> Floor | None:
    """The one among ``floors`` that holds for a record's device, or None."""
    place = place_of(record)
    return next((each for each in floors if _place(each) == place), None)


def keep_floor(home: Path, floor: Floor) -> None:
    """Write a floor; an earlier one of the same place is replaced."""
    others = tuple(each for each in read_floors(home) if _place(each) != _place(floor))
    write_atomically(home / FILE, _FLOORS.dump_json((*others, floor), indent=1))


def _place(floor: Floor) -> tuple[str, str, str, str]:
    return floor.host, floor.soc_version, floor.hardware, floor.backend

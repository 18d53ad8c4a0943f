"""Ascend NPUs as devices: which there are, what they are, and one reading of their state, all through npu-smi.

A device is named by its id: the chip's logic id, which ais_bench takes as ``--device``. Its soc_version is ``Ascend``
and the name in the table of ``npu-smi info``. What a chip does not report is absent: on a 310P mostly the power.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from harness.devices import host
from harness.devices.cann import installation
from harness.devices.npu_smi import npu_smi
from harness.devices.sample import Sample
from harness.errors import HarnessError, UnsupportedError
from harness.parsing.npu_smi import NpuSmi
from harness.parsing.npu_smi_rows import ChipRow

MB = 2**20
QUERIED = ("power", "common")
"""Values that the table may lack: power on a 310P, the clock of the AI cores everywhere."""


@dataclass(frozen=True)
class Chip:
    """One chip of this machine: its soc_version, its device id, and its row in the table when it was read."""

    soc_version: str
    device_id: int
    row: ChipRow


def present(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The soc_versions of this machine's NPUs, that of the lowest device id first; none where npu-smi finds none."""
    try:
        return tuple(dict.fromkeys(chip.soc_version for chip in chips(environment)))
    except HarnessError:
        return ()


def chips(environment: Mapping[str, str] | None = None) -> tuple[Chip, ...]:
    """All chips by device id, asked of npu-smi once a process and environment.

    Raises:
        HarnessError: there is no npu-smi, or it fails.
    """
    known = dict(os.environ if environment is None else environment)
    if installation(known).npu_smi is None:
        return ()
    return _chips(tuple(sorted(known.items())))


def describe(name: str, environment: Mapping[str, str] | None = None, device_id: int | None = None) -> dict[str, Any]:
    """The identity of a chip of that soc_version: the one with that device id, else the first."""
    chip = chosen(name, environment, device_id)
    here = installation(environment)
    known = dict(os.environ if environment is None else environment)
    facts: dict[str, Any] = {
        "name": name,
        "kind": "npu",
        "device_id": chip.device_id,
        "npu_id": chip.row.npu_id,
        "chip_id": chip.row.chip_id,
        "bus_id": chip.row.bus_id,
        "health": chip.row.health,
        "memory_total_bytes": chip.row.memory_mb[1] * MB if chip.row.memory_mb else None,
        "devices": len([each for each in chips(environment) if each.soc_version == name]),
        "driver_version": here.driver_version,
        "firmware_version": here.firmware_version,
        "cann_version": here.toolkit_version,
        **_board(chip.row.npu_id, tuple(sorted(known.items()))),
        "host": host.identity(),
    }
    return {key: value for key, value in facts.items() if value is not None}


def chosen(name: str, environment: Mapping[str, str] | None = None, device_id: int | None = None) -> Chip:
    """The chip of that soc_version and device id (None: the first of them).

    Raises:
        UnsupportedError: there is none.
    """
    here = [chip for chip in chips(environment) if chip.soc_version == name]
    for chip in here:
        if device_id in {None, chip.device_id}:
            return chip
    known = ", ".join(str(chip.device_id) for chip in here) or "none"
    asked = f"device={device_id}: no {name} has this device id" if device_id is not None else f"no {name} here"
    raise UnsupportedError(f"{asked} (known: {known})", reason="no_device")


def reader(name: str, environment: Mapping[str, str] | None = None, device_id: int | None = None) -> NpuReader:
    """What reads the telemetry of a chip of that soc_version: the one with that device id, else the first."""
    return NpuReader(chosen(name, environment, device_id), environment)


class NpuReader:
    """Reads one chip; see ``harness.devices.sample.Reader``. A reading takes as long as npu-smi does: 0.1 to 2 s.

    Readings never overlap: one that is asked for while another is under way is the last one again.
    """

    period_s = 1.0

    def __init__(self, chip: Chip, environment: Mapping[str, str] | None = None) -> None:
        self._chip = chip
        self._environment = environment
        self._queries = set(QUERIED)
        self._lock = threading.Lock()
        self._last = Sample(time_s=time.monotonic())

    def read(self) -> Sample:
        """Read the chip now; what npu-smi does not say is None."""
        if not self._lock.acquire(blocking=False):
            return self._last
        try:
            self._last = self._read()
        finally:
            self._lock.release()
        return self._last

    def holders(self) -> Sequence[str]:
        """The processes on the chip as npu-smi names them; none where it does not say."""
        try:
            now = npu_smi("info", environment=self._environment)
        except HarnessError:
            return ()
        npu_id, chip_id = self._chip.row.npu_id, self._chip.row.chip_id
        here = (now.processes_on(npu_id, chip_id) or ()) if npu_id is not None else ()
        return [f"{each.name or 'a process'} (pid {each.pid}) holds {each.memory_mb} MB" for each in here]

    def _read(self) -> Sample:
        sample = Sample(time_s=time.monotonic(), host_load=os.getloadavg()[0])
        try:
            rows = npu_smi("info", environment=self._environment).rows
        except HarnessError:
            return sample
        row = next((each for each in rows if _same(each, self._chip.row)), None)
        if row is None:
            return sample
        memory = row.memory_mb if row.memory_mb and row.memory_mb[1] else row.hbm_mb
        wanted = self._queries - ({"power"} if row.power_w is not None else set())
        values = {name: value for query in sorted(wanted) for name, value in self._query(query).items()}
        return replace(
            sample,
            power_w=row.power_w if row.power_w is not None else values.get("power_w"),
            temperature_c=None if row.temperature_c is None else float(row.temperature_c),
            clock_mhz=values.get("aicore_mhz"),
            utilisation_percent=None if row.aicore_percent is None else float(row.aicore_percent),
            memory_used_bytes=memory[0] * MB if memory else None,
        )

    def _query(self, what: str) -> dict[str, float]:
        """The numbers of ``npu-smi info -t WHAT``; a query that this chip does not answer is not asked again."""
        try:
            answer = npu_smi(*_words(what, self._chip.row), environment=self._environment)
        except HarnessError:
            self._queries.discard(what)
            return {}
        return {
            name: float(value)
            for reading in answer.readings
            for name, value in reading.values
            if isinstance(value, (int, float))
        }


def soc_version(name: str) -> str:
    """The soc_version of a chip by its name in npu-smi: ``310P3`` and ``Ascend310P3`` are ``Ascend310P3``."""
    plain = name.strip().replace(" ", "")
    return plain if plain.lower().startswith("ascend") else f"Ascend{plain}"


@lru_cache(maxsize=8)
def _chips(environment: tuple[tuple[str, str], ...]) -> tuple[Chip, ...]:
    known = dict(environment)
    table = npu_smi("info", environment=known)
    ids = _logic_ids(table, known)
    found = [
        Chip(soc_version(row.name), _device_id(row, ids, index), row)
        for index, row in enumerate(table.rows)
        if row.name
    ]
    return tuple(sorted(found, key=lambda chip: chip.device_id))


def _logic_ids(table: NpuSmi, environment: Mapping[str, str]) -> dict[tuple[int | None, int | None], int]:
    """Device ids by NPU and chip, asked of ``npu-smi info -m`` where the table has no Device column."""
    if all(row.device_id is not None for row in table.rows):
        return {}
    try:
        rows = npu_smi("info", "-m", environment=environment).mapping
    except HarnessError:
        return {}
    return {(row.npu_id, row.chip_id): row.logic_id for row in rows if row.logic_id is not None}


def _device_id(row: ChipRow, ids: Mapping[tuple[int | None, int | None], int], index: int) -> int:
    if row.device_id is not None:
        return row.device_id
    return ids.get((row.npu_id, row.chip_id), row.phy_id if row.phy_id is not None else index)


@lru_cache(maxsize=64)
def _board_values(npu_id: int, environment: tuple[tuple[str, str], ...]) -> tuple[tuple[str, Any], ...]:
    answer = npu_smi("info", "-t", "board", "-i", str(npu_id), environment=dict(environment))
    return tuple(pair for reading in answer.readings for pair in reading.values)


def _board(npu_id: int | None, environment: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Versions as the board tells them, which are those that run; nothing where it does not."""
    if npu_id is None:
        return {}
    try:
        values = dict(_board_values(npu_id, environment))
    except HarnessError:
        return {}
    return {key: values[key] for key in ("driver_version", "firmware_version") if key in values}


def _words(what: str, row: ChipRow) -> list[str]:
    return ["info", "-t", what, "-i", str(row.npu_id), "-c", str(row.chip_id or 0)]


def _same(row: ChipRow, other: ChipRow) -> bool:
    return (row.npu_id, row.chip_id) == (other.npu_id, other.chip_id)

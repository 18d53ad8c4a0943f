"""The CPU as a device: always present, read through psutil and, where the kernel lets us, RAPL."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from harness.devices import host
from harness.devices.sample import Sample

NAME = "cpu"

PACKAGE_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""hwmon drivers that report the temperature of a CPU package."""


def present(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:  # noqa: ARG001
    """The soc_version of this machine's CPU, which is always there."""
    return (NAME,)


def describe(
    name: str,
    environment: Mapping[str, str] | None = None,  # noqa: ARG001
    device_id: int | None = None,  # noqa: ARG001
) -> dict[str, Any]:
    """The identity of the device; see ``harness.devices.host.identity``."""
    return {"name": name, "kind": "cpu", **host.identity()}


def reader(
    name: str,  # noqa: ARG001
    environment: Mapping[str, str] | None = None,  # noqa: ARG001
    device_id: int | None = None,  # noqa: ARG001
) -> CpuReader:
    """What reads the CPU's telemetry."""
    return CpuReader()


class CpuReader:
    """Reads the whole CPU; see ``harness.devices.sample.Reader``.

    Utilisation and power are rates since the previous reading, so the first reading has neither.
    """

    def __init__(self, root: Path = host.ROOT) -> None:
        self._root = root
        self._zones = _energy_zones(root)
        self._busy: tuple[float, float] | None = None
        self._energy: tuple[float, list[int]] | None = None

    def read(self) -> Sample:
        """Read the CPU now."""
        now = time.monotonic()
        memory = psutil.virtual_memory()
        return Sample(
            time_s=now,
            power_w=self._power_w(now),
            temperature_c=_temperature_c(),
            clock_mhz=host.current_mhz(self._root),
            utilisation_percent=self._utilisation_percent(),
            memory_used_bytes=memory.total - memory.available,
            host_load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        )

    def _utilisation_percent(self) -> float | None:
        """Share of CPU time since the previous reading that was not idle or waiting for a disk, 0 to 100."""
        times = psutil.cpu_times()
        total = (
            sum(times) - getattr(times, "guest", 0) - getattr(times, "guest_nice", 0)
        )  # both are inside user and nice
        busy = total - times.idle - getattr(times, "iowait", 0)
        before, self._busy = self._busy, (busy, total)
        if before is None or total <= before[1]:
            return None
        return min(100.0, max(0.0, 100 * (busy - before[0]) / (total - before[1])))

    def _power_w(self, now: float) -> float | None:
        """Package power since the previous reading, from RAPL's energy counters (powercap ABI; usually root's only)."""
        try:
            energy = [int((zone / "energy_uj").read_text()) for zone, _ in self._zones]
        except (OSError, ValueError):
            return None
        before, self._energy = self._energy, (now, energy)
        if not energy or before is None or now <= before[0]:
            return None
        # A counter that went down has wrapped at its zone's range.
        used = [
            later - earlier + (wrap if later < earlier else 0)
            for later, earlier, (_, wrap) in zip(energy, before[1], self._zones, strict=True)
        ]
        return sum(used) / 1e6 / (now - before[0])


def _energy_zones(root: Path) -> list[tuple[Path, int]]:
    """RAPL's package zones (``intel-rapl:N``, also on AMD) with the range of their counters in uJ."""
    zones = []
    for zone in sorted((root / "sys/class/powercap").glob("intel-rapl:[0-9]*")):
        try:
            if zone.name.count(":") == 1 and (zone / "name").read_text().startswith("package"):
                zones.append((zone, int((zone / "max_energy_range_uj").read_text())))
        except (OSError, ValueError):
            continue
    return zones


def _temperature_c() -> float | None:
    """The hottest package sensor, or None where there is none."""
    if not hasattr(psutil, "sensors_temperatures"):
        return None
    sensors = psutil.sensors_temperatures()
    found = [entry.current for name in PACKAGE_SENSORS for entry in sensors.get(name, [])]
    return max(found) if found else None

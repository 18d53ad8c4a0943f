"""Which device this machine has: the NPU, else the GPU, else the CPU. Names are those of ``soc_version``."""

from __future__ import annotations

from typing import Any, Protocol

from harness.devices import cpu, host
from harness.devices.sample import Reader
from harness.errors import UnsupportedError


class DeviceModule(Protocol):
    """What the module of one kind of device brings. Importing it must be quick and must not load a framework."""

    def present(self) -> tuple[str, ...]:
        """The soc_version names of the devices of this kind in this machine, the one that ``auto`` takes first."""

    def describe(self, name: str) -> dict[str, Any]:
        """The identity of a device that is present."""

    def reader(self, name: str) -> Reader:
        """What reads the telemetry of a device that is present."""


MODULES: tuple[DeviceModule, ...] = (cpu,)
"""In the order in which ``auto`` prefers them; modules for NPU and GPU go in front of the CPU's."""


def detect() -> str:
    """What ``soc_version=auto`` means on this machine. Takes milliseconds."""
    return next(name for module in MODULES for name in module.present())


def present(name: str) -> bool:
    """Whether this machine has the device that ``soc_version`` calls ``name``."""
    return any(name in module.present() for module in MODULES)


def describe(name: str) -> dict[str, Any]:
    """The identity of a device: plain JSON values, units in the names, unknown facts left out.

    Raises:
        UnsupportedError: the device is not in this machine.
    """
    return _module(name).describe(name)


def reader(name: str) -> Reader:
    """What reads the telemetry of a device.

    Raises:
        UnsupportedError: the device is not in this machine.
    """
    return _module(name).reader(name)


def conditions() -> dict[str, Any]:
    """What surrounds a repeat that starts now: see ``harness.devices.host.conditions``. Blocks for 0.2 s."""
    return host.conditions()


def _module(name: str) -> DeviceModule:
    """The module that has the device."""
    for module in MODULES:
        if name in module.present():
            return module
    raise UnsupportedError(f"soc_version={name}: this machine has {detect()}, not {name}; use soc_version=auto")

"""Which device this machine has: the NPU, else the GPU, else the CPU. Names are those of ``soc_version``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from harness.devices import cpu, host, npu, nvidia
from harness.devices.sample import Reader
from harness.errors import HarnessError, UnsupportedError

Environment = Mapping[str, str] | None
"""Where a device's tools are looked for; None for the environment of this process."""


class DeviceModule(Protocol):
    """What the module of one kind of device brings. Importing it must be quick and must not load a framework."""

    def present(self, environment: Environment = None) -> tuple[str, ...]:
        """The soc_version names of the devices of this kind in this machine, the one that ``auto`` takes first."""

    def describe(self, name: str, environment: Environment = None, device_id: int | None = None) -> dict[str, Any]:
        """The identity of a device that is present: the one with that id, else the first of its kind."""

    def reader(self, name: str, environment: Environment = None, device_id: int | None = None) -> Reader:
        """What reads the telemetry of a device that is present: the one with that id, else the first of its kind."""


MODULES: tuple[DeviceModule, ...] = (npu, nvidia, cpu)
"""In the order in which ``auto`` prefers them."""


def detect(environment: Environment = None) -> str:
    """What ``soc_version=auto`` means on this machine. Takes milliseconds, or as long as npu-smi where there is one."""
    return next(name for module in MODULES for name in module.present(environment))


def present(name: str, environment: Environment = None) -> bool:
    """Whether this machine has the device that ``soc_version`` calls ``name``.

    Raises:
        HarnessError: npu-smi, or for a GPU NVML, is there but cannot answer: another container holds it, a library
            or the driver lacks.
    """
    if any(name in module.present(environment) for module in MODULES):
        return True
    if name.startswith("Ascend"):
        npu.chips(environment)
    else:
        nvidia.visible(environment)
    return False


def describe(name: str, environment: Environment = None, device_id: int | None = None) -> dict[str, Any]:
    """The identity of a device: plain JSON values, units in the names, unknown facts left out.

    ``device_id`` tells several of one kind apart.

    Raises:
        UnsupportedError: the device is not in this machine.
    """
    return _module(name, environment).describe(name, environment, device_id)


def reader(name: str, environment: Environment = None, device_id: int | None = None) -> Reader:
    """What reads the telemetry of a device; ``device_id`` tells several of one kind apart.

    Raises:
        UnsupportedError: the device is not in this machine.
    """
    return _module(name, environment).reader(name, environment, device_id)


def first_id(name: str, environment: Environment = None) -> int:
    """The id of the first NPU or GPU of that soc_version; 0 where none is here or its tool cannot say."""
    chosen = npu.chosen if name.startswith("Ascend") else nvidia.chosen
    try:
        return chosen(name, environment).device_id
    except HarnessError:
        return 0


def trouble(environment: Environment = None) -> str | None:
    """Why NPUs or GPUs of this machine cannot be used although their tool is there: one line, or None.

    ``detect`` takes the next best device then, which its user should know.
    """
    try:
        npu.chips(environment)
        nvidia.visible(environment)
    except HarnessError as error:
        return f"{error}; {error.hint}" if error.hint else str(error)
    return None


def conditions() -> dict[str, Any]:
    """What surrounds a repeat that starts now: see ``harness.devices.host.conditions``. Blocks for 0.2 s."""
    return host.conditions()


def _module(name: str, environment: Environment) -> DeviceModule:
    """The module that has the device."""
    for module in MODULES:
        if name in module.present(environment):
            return module
    raise UnsupportedError(
        f"soc_version={name}: this machine has {detect(environment)}, not {name}; use soc_version=auto"
    )

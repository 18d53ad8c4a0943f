"""The stand-in for nvidia-ml-py's ``pynvml``: what ``simulator=nvidia`` shows of its GPUs, with NVML's own refusals.

Functions, return types and error classes are those of nvidia-ml-py 12 and 13. As in NVML, nothing answers before
``nvmlInit``, a handle is no number, and what a chip lacks is "Not Supported": here a T4's MIG mode.
"""

from __future__ import annotations

from typing import Any, List, NamedTuple

from harness.config.simulator import SimulatorSettings
from harness.devices.nvidia_names import PRODUCTS
from harness.simulator.options import options

NVML_TEMPERATURE_GPU = 0
NVML_CLOCK_GRAPHICS, NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_CLOCK_VIDEO = 0, 1, 2, 3
NVML_ERROR_UNINITIALIZED, NVML_ERROR_INVALID_ARGUMENT, NVML_ERROR_NOT_SUPPORTED = 1, 2, 3
NVML_ERROR_NOT_FOUND, NVML_ERROR_DRIVER_NOT_LOADED = 6, 9

MIB = 2**20
DRIVER, CUDA = "550.54.15", 12040
BUSY_PERCENT, BUSY_PID, BUSY_BYTES = 87, 4711, 2048 * MIB
MAX_SM_MHZ, APPLICATION_SM_MHZ, IDLE_SM_MHZ, MEMORY_MHZ = 1590, 585, 300, 5001
"""Clocks of a T4."""
POWER_LIMIT_MW, IDLE_POWER_MW, BUSY_POWER_MW = 70000, 9500, 61000
REASON_NONE, REASON_IDLE = 0x0, 0x1

_count = 0


class NVMLError(Exception):
    """An error of NVML by its number in nvml.h."""

    words = {
        1: "Uninitialized",
        2: "Invalid Argument",
        3: "Not Supported",
        6: "Not Found",
        9: "Driver Not Loaded",
    }

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return self.words[self.value]


class NVMLError_Uninitialized(NVMLError):
    """See nvml.h."""


class NVMLError_InvalidArgument(NVMLError):
    """See nvml.h."""


class NVMLError_NotSupported(NVMLError):
    """See nvml.h."""


class NVMLError_NotFound(NVMLError):
    """See nvml.h."""


class NVMLError_DriverNotLoaded(NVMLError):
    """See nvml.h."""


class Pci(NamedTuple):
    """What of ``nvmlPciInfo_t`` is asked for."""

    busId: str


class Memory(NamedTuple):
    """``nvmlMemory_t``, in bytes."""

    total: int
    free: int
    used: int


class Utilization(NamedTuple):
    """``nvmlUtilization_t``, in per cent of the last sampling period."""

    gpu: int
    memory: int


class Process(NamedTuple):
    """``nvmlProcessInfo_t``."""

    pid: int
    usedGpuMemory: int


class Handle:
    """A GPU; only this module makes one."""

    def __init__(self, index: int) -> None:
        self.index = index


def nvmlInit() -> None:
    """Begin; raises where the driver is not loaded."""
    global _count
    if options().fail == "driver_not_loaded":
        raise NVMLError_DriverNotLoaded(NVML_ERROR_DRIVER_NOT_LOADED)
    _count += 1


def nvmlShutdown() -> None:
    """End what the matching ``nvmlInit`` began."""
    global _count
    _settings()
    _count -= 1


def nvmlSystemGetDriverVersion() -> str:
    """The driver's version."""
    _settings()
    return DRIVER


def nvmlSystemGetCudaDriverVersion_v2() -> int:
    """The newest CUDA that the driver runs: 1000 times the major version and 10 times the minor one."""
    _settings()
    return CUDA


def nvmlSystemGetProcessName(pid: int) -> str:
    """The name of a process that uses a GPU."""
    _settings()
    if pid != BUSY_PID:
        raise NVMLError_NotFound(NVML_ERROR_NOT_FOUND)
    return "/usr/bin/python3"


def nvmlDeviceGetCount() -> int:
    """How many GPUs there are."""
    return _settings().devices


def nvmlDeviceGetHandleByIndex(index: int) -> Handle:
    """The GPU at a place on the PCI bus."""
    if not 0 <= index < _settings().devices:
        raise NVMLError_InvalidArgument(NVML_ERROR_INVALID_ARGUMENT)
    return Handle(index)


def nvmlDeviceGetHandleByUUID(uuid: str) -> Handle:
    """The GPU of a UUID."""
    for index in range(_settings().devices):
        if _uuid(index) == uuid:
            return Handle(index)
    raise NVMLError_NotFound(NVML_ERROR_NOT_FOUND)


def nvmlDeviceGetName(handle: Handle) -> str:
    """The product."""
    chip = _asked(handle).chip
    return PRODUCTS.get(chip, "NVIDIA " + chip)


def nvmlDeviceGetUUID(handle: Handle) -> str:
    """What names the GPU everywhere."""
    _asked(handle)
    return _uuid(handle.index)


def nvmlDeviceGetPciInfo(handle: Handle) -> Pci:
    """Where it is plugged in."""
    _asked(handle)
    return Pci(f"00000000:{0x3B + handle.index:02X}:00.0")


def nvmlDeviceGetMemoryInfo(handle: Handle) -> Memory:
    """The memory, and how much of it is taken."""
    settings = _asked(handle)
    total, used = round(settings.memory_mb * MIB), round(settings.idle_memory_mb * MIB)
    used += BUSY_BYTES if _busy(settings) else 0
    return Memory(total, total - used, used)


def nvmlDeviceGetMigMode(handle: Handle) -> List[int]:
    """Whether the GPU is partitioned, now and after a reset; only the largest chips can be."""
    settings = _asked(handle)
    if settings.chip not in ("A30", "A100", "H100", "H200", "B200"):
        raise NVMLError_NotSupported(NVML_ERROR_NOT_SUPPORTED)
    return [0, 0]


def nvmlDeviceGetEccMode(handle: Handle) -> List[int]:
    """Whether memory errors are corrected, now and after a reset; GeForce has no such mode."""
    settings = _asked(handle)
    if settings.chip.startswith("RTX"):
        raise NVMLError_NotSupported(NVML_ERROR_NOT_SUPPORTED)
    return [1, 1]


def nvmlDeviceGetPersistenceMode(handle: Handle) -> int:
    """Whether the driver stays loaded while nothing uses it."""
    _asked(handle)
    return 1


def nvmlDeviceGetCudaComputeCapability(handle: Handle) -> List[int]:
    """Major and minor."""
    _asked(handle)
    return [7, 5]


def nvmlDeviceGetEnforcedPowerLimit(handle: Handle) -> int:
    """The board's power limit in mW."""
    _asked(handle)
    return POWER_LIMIT_MW


def nvmlDeviceGetPowerManagementDefaultLimit(handle: Handle) -> int:
    """The limit after a reset in mW."""
    _asked(handle)
    return POWER_LIMIT_MW


def nvmlDeviceGetPowerUsage(handle: Handle) -> int:
    """The power now in mW."""
    return BUSY_POWER_MW if _busy(_asked(handle)) else IDLE_POWER_MW


def nvmlDeviceGetTemperature(handle: Handle, sensor: int) -> int:
    """Degrees Celsius."""
    _asked(handle)
    if sensor != NVML_TEMPERATURE_GPU:
        raise NVMLError_InvalidArgument(NVML_ERROR_INVALID_ARGUMENT)
    return 36


def nvmlDeviceGetClockInfo(handle: Handle, kind: int) -> int:
    """A clock now in MHz."""
    now = APPLICATION_SM_MHZ if _busy(_asked(handle)) else IDLE_SM_MHZ
    return _clock(kind, now)


def nvmlDeviceGetMaxClockInfo(handle: Handle, kind: int) -> int:
    """The highest that a clock can be in MHz."""
    _asked(handle)
    return _clock(kind, MAX_SM_MHZ)


def nvmlDeviceGetApplicationsClock(handle: Handle, kind: int) -> int:
    """The clock that applications are given in MHz."""
    _asked(handle)
    return _clock(kind, APPLICATION_SM_MHZ)


def nvmlDeviceGetDefaultApplicationsClock(handle: Handle, kind: int) -> int:
    """The clock that they are given after a reset in MHz."""
    _asked(handle)
    return _clock(kind, APPLICATION_SM_MHZ)


def nvmlDeviceGetMaxPcieLinkGeneration(handle: Handle) -> int:
    """What GPU and slot can do."""
    _asked(handle)
    return 3


def nvmlDeviceGetMaxPcieLinkWidth(handle: Handle) -> int:
    """Lanes that GPU and slot have."""
    _asked(handle)
    return 16


def nvmlDeviceGetCurrPcieLinkWidth(handle: Handle) -> int:
    """Lanes in use."""
    _asked(handle)
    return 16


def nvmlDeviceGetUtilizationRates(handle: Handle) -> Utilization:
    """How busy the GPU and its memory were."""
    return Utilization(BUSY_PERCENT, 40) if _busy(_asked(handle)) else Utilization(0, 0)


def nvmlDeviceGetCurrentClocksEventReasons(handle: Handle) -> int:
    """Why the clock is what it is: a bit mask."""
    return REASON_NONE if _busy(_asked(handle)) else REASON_IDLE


def nvmlDeviceGetComputeRunningProcesses(handle: Handle) -> List[Process]:
    """The processes with a CUDA context."""
    return [Process(BUSY_PID, BUSY_BYTES)] if _busy(_asked(handle)) else []


def _settings() -> SimulatorSettings:
    if _count < 1:
        raise NVMLError_Uninitialized(NVML_ERROR_UNINITIALIZED)
    return options()


def _asked(handle: Any) -> SimulatorSettings:
    settings = _settings()
    if not isinstance(handle, Handle):
        raise NVMLError_InvalidArgument(NVML_ERROR_INVALID_ARGUMENT)
    return settings


def _clock(kind: int, sm: int) -> int:
    if kind not in (NVML_CLOCK_GRAPHICS, NVML_CLOCK_SM, NVML_CLOCK_MEM):
        raise NVMLError_InvalidArgument(NVML_ERROR_INVALID_ARGUMENT)
    return MEMORY_MHZ if kind == NVML_CLOCK_MEM else sm


def _uuid(index: int) -> str:
    return f"GPU-00000000-0000-0000-0000-{0x51 + index:012x}"


def _busy(settings: SimulatorSettings) -> bool:
    return settings.fail == "device_busy"

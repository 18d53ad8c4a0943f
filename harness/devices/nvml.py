"""NVML, NVIDIA's library for telling what its GPUs are and do, through nvidia-ml-py's module ``pynvml``.

``python -m harness.devices.nvml`` prints all that it says as JSON: how a process asks among other tools than its own.
Imported late, initialised once a process; where there is no such library there is no GPU, which takes milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

from harness.devices.nvidia_names import soc_version
from harness.devices.sample import Sample
from harness.errors import HarnessError

T = TypeVar("T")

MIB = 2**20
SLOWED = {
    0x8: "hw_slowdown",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
    0x400: "reliability",
}
"""Reasons (nvml.h, nvmlClocksEventReason*) for which a GPU is slower than its product can be."""
POWER_LIMIT, IDLE = 0x4, 0x1
LIMITED = "sw_power_cap"
"""The board's power limit: a T4 is at it under any heavy load, so it is no disturbance; it is told all the same."""
ABSENT = ("LibraryNotFound", "NoDevice", "FunctionNotFound")
DRIVER_HINT = "nvidia-smi should list the GPU: install or reload the driver, or give the container the GPU (--gpus all)"


@dataclass(frozen=True)
class Gpu:
    """One GPU as NVML counts them (by PCI bus); ``mig``: it is partitioned, and CUDA sees a part of it."""

    index: int
    uuid: str
    product: str
    mig: bool

    @property
    def soc_version(self) -> str:
        """The name in ``conf/soc_version``; a part of a GPU is no such chip and has a name of its own."""
        return soc_version(self.product) + ("_MIG" if self.mig else "")


@lru_cache(maxsize=1)
def _library() -> Any:
    """The initialised module, or None where there is none or no GPU.

    Raises:
        HarnessError: the library is there and its driver does not answer.
    """
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if type(error).__name__.removeprefix("NVMLError_") in ABSENT:
            return None
        raise HarnessError(f"NVML: {error}", reason="nvidia_driver", hint=DRIVER_HINT) from error
    return pynvml


def gpus() -> tuple[Gpu, ...]:
    """All GPUs that this process's NVML knows, whatever CUDA may see of them.

    Raises:
        HarnessError: as the driver says.
    """
    nvml = _library()
    if nvml is None:
        return ()
    try:
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        return tuple(
            Gpu(
                index,
                _text(nvml.nvmlDeviceGetUUID(handle)),
                _text(nvml.nvmlDeviceGetName(handle)),
                mig=bool((_asked(partial(nvml.nvmlDeviceGetMigMode, handle)) or (0, 0))[0]),
            )
            for index, handle in enumerate(handles)
        )
    except nvml.NVMLError as error:
        raise HarnessError(f"NVML: {error}", reason="nvidia_driver", hint=DRIVER_HINT) from error


def parent_of_mig(uuid: str) -> str | None:
    """The UUID of the GPU that the MIG device ``MIG-...`` is a part of, or None where NVML does not know it."""
    nvml = _library()

    def found() -> str:
        part = nvml.nvmlDeviceGetHandleByUUID(uuid)
        return _text(nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(part)))

    return _asked(found) if nvml is not None else None


def facts(index: int) -> dict[str, Any]:
    """What does not change between readings: units in the keys, and no key for what this GPU does not tell."""
    nvml = _library()
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    switch = {0: "disabled", 1: "enabled"}

    def of(function: str, *arguments: Any) -> Any:
        return _asked(lambda: getattr(nvml, function)(handle, *arguments))

    cuda = _asked(nvml.nvmlSystemGetCudaDriverVersion_v2)
    ecc, mig = of("nvmlDeviceGetEccMode"), of("nvmlDeviceGetMigMode")
    capability, memory = of("nvmlDeviceGetCudaComputeCapability"), of("nvmlDeviceGetMemoryInfo")
    pci = of("nvmlDeviceGetPciInfo")
    found = {
        "bus_id": _text(pci.busId) if pci is not None else None,
        "driver_version": _asked(lambda: _text(nvml.nvmlSystemGetDriverVersion())),
        "cuda_version": None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
        "compute_capability": None if capability is None else ".".join(map(str, capability)),
        "memory_total_bytes": memory.total if memory is not None else None,
        "power_limit_w": _scaled(of("nvmlDeviceGetEnforcedPowerLimit"), 1e-3),
        "default_power_limit_w": _scaled(of("nvmlDeviceGetPowerManagementDefaultLimit"), 1e-3),
        "max_sm_mhz": of("nvmlDeviceGetMaxClockInfo", nvml.NVML_CLOCK_SM),
        "max_memory_mhz": of("nvmlDeviceGetMaxClockInfo", nvml.NVML_CLOCK_MEM),
        "application_sm_mhz": of("nvmlDeviceGetApplicationsClock", nvml.NVML_CLOCK_SM),
        "default_application_sm_mhz": of("nvmlDeviceGetDefaultApplicationsClock", nvml.NVML_CLOCK_SM),
        "persistence_mode": switch.get(of("nvmlDeviceGetPersistenceMode")),
        "ecc_mode": switch.get(ecc[0]) if ecc else None,
        "mig_mode": switch.get(mig[0]) if mig else None,
        "pcie_max_generation": of("nvmlDeviceGetMaxPcieLinkGeneration"),
        "pcie_max_width": of("nvmlDeviceGetMaxPcieLinkWidth"),
        "pcie_width": of("nvmlDeviceGetCurrPcieLinkWidth"),
    }
    return {key: value for key, value in found.items() if value is not None}


def sample(index: int) -> Sample:
    """One reading; what this GPU does not tell is absent.

    The power is the board's, on many chips the mean of the last second. The nominal clock is that set for
    applications; it is left out while the GPU idles or is at its power limit, which lower its clock by design.
    """
    nvml = _library()
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    now = time.monotonic()

    def of(function: str, *arguments: Any) -> Any:
        return _asked(lambda: getattr(nvml, function)(handle, *arguments))

    reasons = of("nvmlDeviceGetCurrentClocksEventReasons")
    if reasons is None:  # the same under the name of drivers before 535
        reasons = of("nvmlDeviceGetCurrentClocksThrottleReasons")
    reasons = reasons or 0
    memory, rates = of("nvmlDeviceGetMemoryInfo"), of("nvmlDeviceGetUtilizationRates")
    nominal = of("nvmlDeviceGetApplicationsClock", nvml.NVML_CLOCK_SM)
    return Sample(
        time_s=now,
        power_w=_scaled(of("nvmlDeviceGetPowerUsage"), 1e-3),
        temperature_c=_scaled(of("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU), 1.0),
        clock_mhz=_scaled(of("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM), 1.0),
        utilisation_percent=_scaled(rates.gpu, 1.0) if rates is not None else None,
        memory_used_bytes=memory.used if memory is not None else None,
        host_load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        nominal_mhz=None if reasons & (IDLE | POWER_LIMIT) else _scaled(nominal, 1.0),
        throttle_reasons=(
            *(name for bit, name in SLOWED.items() if reasons & bit),
            *((LIMITED,) if reasons & POWER_LIMIT else ()),
        ),
    )


def holders(index: int) -> list[str]:
    """The processes that compute on a GPU; those that only draw (a desktop) hold little and are left out."""
    nvml = _library()
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    found = []
    for each in _asked(lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)) or ():
        said = _asked(partial(nvml.nvmlSystemGetProcessName, each.pid))
        name = os.path.basename(_text(said)) if said is not None else "a process"  # noqa: PTH119
        held = f" holds {each.usedGpuMemory // MIB} MB" if each.usedGpuMemory is not None else ""
        found.append(f"{name} (pid {each.pid}){held}")
    return found


def report() -> dict[str, Any]:
    """Everything at once as plain JSON: the GPUs with their facts, a reading and holders, or why there is no answer."""
    try:
        return {
            "gpus": [
                {
                    "gpu": asdict(gpu),
                    "facts": facts(gpu.index),
                    "sample": asdict(sample(gpu.index)),
                    "holders": holders(gpu.index),
                }
                for gpu in gpus()
            ]
        }
    except HarnessError as error:
        return {"gpus": [], "error": str(error), "hint": error.hint}


def told(text: str) -> Mapping[str, Any]:
    """What ``report`` of another process said.

    Raises:
        HarnessError: it said why it cannot answer.
    """
    answer: dict[str, Any] = json.loads(text)
    if "error" in answer:
        raise HarnessError(str(answer["error"]), reason="nvidia_driver", hint=answer.get("hint"))
    return answer


def _asked(question: Callable[[], T]) -> T | None:
    """The answer, or None where this GPU, driver or user gets none."""
    nvml = _library()
    try:
        return question()
    except (nvml.NVMLError, AttributeError):
        return None


def _text(words: Any) -> str:
    """Older versions of the module give bytes."""
    return words.decode() if isinstance(words, bytes) else str(words)


def _scaled(value: Any, factor: float) -> float | None:
    return None if value is None else round(float(value) * factor, 3)


if __name__ == "__main__":
    json.dump(report(), sys.stdout)

"""NVIDIA GPUs as devices: which CUDA can use, what they are, and one reading of their state.

A device id is CUDA's: the place among the GPUs that ``CUDA_VISIBLE_DEVICES`` leaves, in the order of the PCI bus.
What NVML says comes from ``harness.devices.nvml``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.devices import host, nvml
from harness.devices.nvml import Gpu
from harness.devices.sample import Sample
from harness.errors import HarnessError, UnsupportedError

VISIBLE = "CUDA_VISIBLE_DEVICES"
TIMEOUT_S = 60.0
_HERE = Path(__file__).resolve().parents[2]

Environment = Mapping[str, str] | None


@dataclass(frozen=True)
class Visible:
    """A GPU that CUDA can use, and its id there."""

    device_id: int
    gpu: Gpu

    @property
    def soc_version(self) -> str:
        """The name in ``conf/soc_version``."""
        return self.gpu.soc_version


def present(environment: Environment = None) -> tuple[str, ...]:
    """The soc_versions of the GPUs that CUDA can use, that of the lowest id first; none where NVML cannot say."""
    try:
        return tuple(dict.fromkeys(each.soc_version for each in visible(environment)))
    except HarnessError:
        return ()


def visible(environment: Environment = None) -> tuple[Visible, ...]:
    """The GPUs that a process with that environment can use, by device id.

    Raises:
        HarnessError: there is a driver's library, and it cannot answer.
    """
    known = os.environ if environment is None else environment
    everything = tuple(Gpu(**each["gpu"]) for each in _elsewhere(known)) if _is_elsewhere(known) else nvml.gpus()
    wanted = known.get(VISIBLE)
    return tuple(Visible(number, gpu) for number, gpu in enumerate(_chosen(everything, wanted)))


def chosen(name: str, environment: Environment = None, device_id: int | None = None) -> Visible:
    """The GPU of that soc_version and device id (None: the first of them).

    Raises:
        UnsupportedError: there is none.
    """
    here = visible(environment)
    for each in here:
        if each.soc_version == name and device_id in {None, each.device_id}:
            return each
    known = ", ".join(f"{each.device_id}: {each.soc_version}" for each in here) or "none"
    asked = f"device={device_id}: no {name} has this device id" if device_id is not None else f"no {name} here"
    raise UnsupportedError(f"{asked} (known: {known})", reason="no_device")


def describe(name: str, environment: Environment = None, device_id: int | None = None) -> dict[str, Any]:
    """The identity of a GPU of that soc_version: the one with that device id, else the first."""
    known = os.environ if environment is None else environment
    each = chosen(name, environment, device_id)
    facts = _of(each.gpu, known)["facts"] if _is_elsewhere(known) else nvml.facts(each.gpu.index)
    return {
        "name": name,
        "kind": "gpu",
        "product": each.gpu.product,
        "device_id": each.device_id,
        "uuid": each.gpu.uuid,
        "devices": len([one for one in visible(environment) if one.soc_version == name]),
        **facts,
        "host": host.identity(),
    }


def reader(name: str, environment: Environment = None, device_id: int | None = None) -> GpuReader:
    """What reads the telemetry of a GPU of that soc_version: the one with that device id, else the first."""
    return GpuReader(chosen(name, environment, device_id).gpu, environment)


class GpuReader:
    """Reads one GPU; see ``harness.devices.sample.Reader``. A reading takes about a millisecond."""

    def __init__(self, gpu: Gpu, environment: Environment = None) -> None:
        self._gpu = gpu
        self._known = os.environ if environment is None else environment

    def read(self) -> Sample:
        """Read the GPU now; among other tools than this process's own, the reading that they gave first."""
        if not _is_elsewhere(self._known):
            return nvml.sample(self._gpu.index)
        values = _of(self._gpu, self._known)["sample"]
        values = {field.name: values[field.name] for field in fields(Sample)}
        return Sample(**{**values, "throttle_reasons": tuple(values["throttle_reasons"])})

    def holders(self) -> Sequence[str]:
        """The processes that compute on it; in a container NVML gives the numbers that they have outside."""
        if not _is_elsewhere(self._known):
            return nvml.holders(self._gpu.index)
        found: list[str] = _of(self._gpu, self._known)["holders"]
        return found


def _chosen(everything: Sequence[Gpu], wanted: str | None) -> list[Gpu]:
    """The GPUs that ``CUDA_VISIBLE_DEVICES`` leaves, in its order; it ends at the first entry that names none."""
    if wanted is None:
        return list(everything)
    found: list[Gpu] = []
    for word in (part.strip() for part in wanted.split(",")):
        gpu = _named(everything, word)
        if gpu is None or gpu in found:
            break
        found.append(gpu)
    return found


def _named(everything: Sequence[Gpu], word: str) -> Gpu | None:
    """The GPU of an index, of the beginning of a UUID, or of a MIG device's UUID (CUDA C++ Programming Guide)."""
    if word.isdigit():
        return everything[int(word)] if int(word) < len(everything) else None
    if word.startswith("MIG-"):
        whole = nvml.parent_of_mig(word) or word.removeprefix("MIG-").partition("/")[0]
        return next((gpu for gpu in everything if gpu.uuid == whole), None)
    matching = [gpu for gpu in everything if word.startswith("GPU-") and gpu.uuid.startswith(word)]
    return matching[0] if len(matching) == 1 else None


def _is_elsewhere(known: Mapping[str, str]) -> bool:
    """Whether another process has to ask: among stand-ins ``pynvml`` is another module than this process's own."""
    return bool(known.get("PYTHONPATH")) and known.get("PYTHONPATH") != os.environ.get("PYTHONPATH")


def _of(gpu: Gpu, known: Mapping[str, str]) -> Mapping[str, Any]:
    return next(each for each in _elsewhere(known) if each["gpu"]["uuid"] == gpu.uuid)


def _elsewhere(known: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = json.loads(_asked(tuple(sorted(known.items()))))
    return found


@lru_cache(maxsize=8)
def _asked(environment: tuple[tuple[str, str], ...]) -> str:
    """What NVML says to a process with that environment: asked once, as each costs the start of a Python."""
    known = dict(environment)
    known["PYTHONPATH"] = os.pathsep.join([known["PYTHONPATH"], str(_HERE)])
    command = [sys.executable, "-m", "harness.devices.nvml"]
    try:
        done = subprocess.run(
            command,
            env=known,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise HarnessError(f"NVML: {error}", reason="nvidia_driver", hint=nvml.DRIVER_HINT) from error
    return json.dumps(nvml.told(done.stdout.decode())["gpus"])

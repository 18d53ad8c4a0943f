"""Settings of the stand-ins for a device's tools: ``simulator=cann`` and ``simulator=nvidia``. A leaf."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from harness.config.values import SCHEMA

NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Chip = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9_]*$")]
Failure = Literal[
    "toolkit_missing",
    "driver_library_missing",
    "soc_version_mismatch",
    "device_busy",
    "container",
    "device_timeout",
    "hang",
    "aicore_exception",
    "wrong_throughput",
    "driver_not_loaded",
]
"""Ways in which the stand-ins can be made to fail; ``simulator.fail``."""


@dataclass(config=SCHEMA)
class SimulatorSettings:
    """Stand-ins for the device's tools: those of an NPU (``cann``) or of an NVIDIA GPU; ``none`` means the real ones.

    The chip that they show: ``chip`` (as a soc_version), ``devices``, ``memory_mb`` in all and ``idle_memory_mb`` of it
    taken already. A model takes ``memory_factor`` times the largest sum of its live tensors (in float16) when it is
    loaded and ``output_factor`` times its outputs when it first runs. Times: ``fixed_ms + ms_per_gmac * GMAC``, copies
    at GB/s (10^9), with a seeded scatter relative to the time,
    ``process_noise`` of a process and ``noise`` of an iteration.

    ``fail`` is a way to fail; ``unsupported_operators`` are ONNX types that the converter refuses. Of ``cann`` alone,
    ``generation`` is the output format of ais_bench (ASCEND.md, section a.1); of ``nvidia`` alone, ``tensorrt`` is the
    version whose options and output trtexec has.
    """

    name: str = "none"
    kind: Literal["none", "cann", "nvidia"] = "none"
    seed: Annotated[int, Field(ge=0)] = 0
    chip: Chip = "Ascend310P3"
    devices: Annotated[int, Field(ge=0, le=64)] = 1
    memory_mb: Positive = 21527
    idle_memory_mb: NotNegative = 930
    memory_factor: Positive = 4
    output_factor: Positive = 6
    fixed_ms: NotNegative = 0.05
    ms_per_gmac: Positive = 0.23
    h2d_gb_per_s: Positive = 4.0
    d2h_gb_per_s: Positive = 1.6
    noise: NotNegative = 0.003
    process_noise: NotNegative = 0.002
    generation: Literal["G1", "G2", "G3", "G4", "G5", "G6"] = "G5"
    tensorrt: Literal["8.4.3", "10.2.0", "11.0.0"] = "10.2.0"
    unsupported_operators: tuple[str, ...] = ()
    fail: Failure | None = None

    @model_validator(mode="after")
    def _chip_of_its_kind(self) -> SimulatorSettings:
        """Refuse a chip that the tools of that kind do not know."""
        if self.active and not self.imitates(self.chip):
            wanted = "an Ascend chip such as Ascend310P3" if self.kind == "cann" else "an NVIDIA one such as T4"
            raise ValueError(f"simulator.chip={self.chip}: simulator.kind={self.kind} shows {wanted}")
        return self

    @property
    def active(self) -> bool:
        """Whether stand-ins take the place of the real tools."""
        return self.kind != "none"

    def imitates(self, soc_version: str) -> bool:
        """Whether the tools of that device are replaced; a CPU beside stand-ins is the real one."""
        ascend = soc_version.startswith("Ascend")
        return {"cann": ascend, "nvidia": not ascend and soc_version != "cpu"}.get(self.kind, False)

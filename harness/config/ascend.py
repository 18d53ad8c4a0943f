"""Settings that only Ascend's tools know: how ATC converts, and the stand-ins of ``simulator=cann``. A leaf.

What the models of the project need has a key of its own; every other flag of ATC goes through ``convert.extra_args``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

SCHEMA = ConfigDict(extra="forbid", frozen=True)

NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Chip = Annotated[str, Field(pattern=r"^Ascend[0-9][A-Za-z0-9_]*$")]
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
]
"""Ways in which the stand-ins can be made to fail; ``simulator.fail``."""


@dataclass(config=SCHEMA)
class ConvertSettings:
    """How ATC converts (``atc --help``; ASCEND.md, section d). None leaves a flag out, so that ATC's default holds.

    ``auto`` is what the model asks for (``model.convert``); where it says nothing, ``input_format`` is NCHW for inputs
    of four dimensions. ``none`` leaves the flag out. ``extra_args`` maps any other flag, without its dashes, to its
    value.
    """

    input_format: Literal["auto", "none", "NCHW", "NCDHW", "ND"] = "auto"
    log: Literal["auto", "none", "debug", "info", "warning", "error", "null"] = "auto"
    output_type: str | None = None
    op_select_implmode: str | None = None
    optypelist_for_implmode: str | None = None
    extra_args: Mapping[str, Any] = Field(default_factory=dict)


@dataclass(config=SCHEMA)
class SimulatorSettings:
    """Stand-ins for the device's tools; kind ``none`` means the real ones.

    The chip that they show: ``chip`` (as a soc_version), ``devices``, ``memory_mb`` in all and ``idle_memory_mb`` of it
    taken already. A model takes ``memory_factor`` times the largest sum of its live tensors (in float16) when it is
    loaded and ``output_factor`` times its outputs when it first runs. Times: ``fixed_ms + ms_per_gmac * GMAC``, copies
    at GB/s (10^9), with a seeded scatter relative to
    the time, ``process_noise`` of a process and ``noise`` of an iteration.

    ``generation`` is the output format of ais_bench (ASCEND.md, section a.1), ``fail`` a way to fail;
    ``unsupported_operators`` are ONNX types that ATC refuses.
    """

    name: str = "none"
    kind: Literal["none", "cann"] = "none"
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
    unsupported_operators: tuple[str, ...] = ()
    fail: Failure | None = None

    @property
    def active(self) -> bool:
        """Whether stand-ins take the place of the real tools."""
        return self.kind != "none"

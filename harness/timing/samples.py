"""The raw result of one repeat: per-iteration times by boundary, and what surrounded them. Numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.timing.processor import ProcessorTime

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Per-iteration times of one process, in ms, each over one batch.

    ``times_ms`` maps a boundary (``compute``, ``h2d``, ``d2h``, ``end_to_end``) to a float64 array of shape
    (iterations,), warm-up excluded. ``warmup_ms`` holds the warm-up iterations, the first iteration ever first.
    ``load_s`` is the time to open the model; ``window_s`` the wall time from the first timed iteration's start to the
    last one's end, which began at ``began_s`` (``time.monotonic``). ``steady``: whether the device had settled by then,
    None where it cannot be told. ``spent`` is the processor time of the timed part. What is None is not known.
    ``sketches`` are samples of outputs of timed iterations (``harness.timing.sketch``), where the audit asks for them.
    """

    times_ms: Mapping[str, FloatArray]
    warmup_ms: FloatArray
    load_s: float
    window_s: float
    conditions: Mapping[str, Any] = field(default_factory=dict)
    warmup_s: float | None = None
    steady: bool | None = None
    began_s: float | None = None
    spent: ProcessorTime | None = None
    sketches: tuple[tuple[FloatArray, ...], ...] = ()

    def first_iteration_ms(self, boundary: str) -> float:
        """The first call ever, in ms: the first warm-up iteration or, without warm-up, the first timed one."""
        first = self.warmup_ms if self.warmup_ms.size else self.times_ms[boundary]
        return float(first[0])

"""How many iterations a device's own tool is asked to time: such tools take a number and no budget."""

from __future__ import annotations

import math

from harness.config.schema import MeasureSettings

MOST_ITERATIONS = 20_000
"""Of one run: a longer list says no more, and float32 stamps get coarser with time (ASCEND.md, section b)."""


def iterations(profile: MeasureSettings, iteration_ms: float, spent_s: float) -> int:
    """How many iterations to time: the profile's minima, within what its budget leaves and ``MOST_ITERATIONS``."""
    wanted = max(profile.min_iterations, math.ceil(1000 * profile.min_time_s / iteration_ms))
    affordable = int(1000 * max(0.0, profile.budget_s - spent_s) / iteration_ms)
    return max(profile.floor_iterations, min(wanted, affordable, MOST_ITERATIONS))

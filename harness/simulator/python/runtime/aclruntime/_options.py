"""What the stand-in is told by the harness (``conf/simulator/cann.yaml``), as JSON in its environment."""

from __future__ import annotations

import json
import os
from typing import Any

# Without the variable: a chip of the OM's own kind with room for everything.
ALONE: dict[str, Any] = {
    "seed": 0,
    "chip": None,
    "devices": 256,
    "memory_mb": float("inf"),
    "idle_memory_mb": 0.0,
    "memory_factor": 4.0,
    "output_factor": 6.0,
    "fixed_ms": 0.05,
    "ms_per_gmac": 0.23,
    "h2d_gb_per_s": 4.0,
    "d2h_gb_per_s": 1.6,
    "noise": 0.003,
    "process_noise": 0.002,
    "generation": "G5",
    "fail": None,
}


def options() -> dict[str, Any]:
    """The settings of this process."""
    return dict(ALONE, **json.loads(os.environ.get("HARNESS_SIMULATOR", "{}")))


def salt() -> str:
    """What tells this process's times from those of another of the same sweep."""
    return os.environ.get("HARNESS_SIMULATOR_SALT", "")

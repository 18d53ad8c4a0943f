"""What the stand-in is told by the harness, and the log lines of ais_bench."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

GENERATIONS = ("G1", "G2", "G3", "G4", "G5", "G6")


def options() -> dict[str, Any]:
    """The settings of ``conf/simulator/cann.yaml`` of this process; empty without the harness."""
    found: dict[str, Any] = json.loads(os.environ.get("HARNESS_SIMULATOR", "{}"))
    return found


def generation() -> int:
    """The generation whose behaviour and output are wanted, 1 to 6."""
    return GENERATIONS.index(options().get("generation", "G5")) + 1


class Level:
    """Whether debug lines are printed."""

    debug = False


def say(level: str, message: str) -> None:
    """A line of Python's logging: ``[INFO] message`` on standard output."""
    if level != "DEBUG" or Level.debug:
        sys.stdout.write(f"[{level}] {message}\n")
        sys.stdout.flush()

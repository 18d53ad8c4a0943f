"""What a stand-in is told: the settings of ``conf/simulator``, as JSON in one variable of its environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache

from pydantic import TypeAdapter

from harness.config.simulator import SimulatorSettings
from harness.simulator.told import SALT_VARIABLE, VARIABLE

__all__ = ["SALT_VARIABLE", "VARIABLE", "options", "simulated"]


def simulated(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the tools that a process finds there are stand-ins."""
    return VARIABLE in (os.environ if environment is None else environment)


@lru_cache(maxsize=8)
def _read(text: str) -> SimulatorSettings:
    return TypeAdapter(SimulatorSettings).validate_python(json.loads(text))


def options() -> SimulatorSettings:
    """The settings of this process, or the defaults where none are given."""
    text = os.environ.get(VARIABLE)
    return _read(text) if text else SimulatorSettings(name="cann", kind="cann")

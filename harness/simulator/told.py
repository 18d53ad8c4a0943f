"""What a stand-in of trtexec is told, read without the libraries that check it: it starts in a tenth of a second so."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from harness.config.simulator import SimulatorSettings

VARIABLE = "HARNESS_SIMULATOR"
SALT_VARIABLE = "HARNESS_SIMULATOR_SALT"


def told() -> SimulatorSettings:
    """The settings that the harness checked and wrote, or those of a T4 with the defaults where there are none."""
    text = os.environ.get(VARIABLE)
    if text is None:
        from harness.config.simulator import SimulatorSettings

        return SimulatorSettings(name="nvidia", kind="nvidia", chip="T4")
    return cast("SimulatorSettings", SimpleNamespace(**json.loads(text)))

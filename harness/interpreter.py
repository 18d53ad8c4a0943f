"""Running another Python than the harness's own: CANN's, or that of an OpenMMLab environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.config.locate import PACKAGE


def python_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for that Python: it must not find the packages of the harness's, which may be another one."""
    parts = [part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part]
    kept = [part for part in parts if Path(part).resolve() != PACKAGE.parent]
    return {**environment, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(kept)}

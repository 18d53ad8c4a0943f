"""The environment in which a process finds the stand-ins instead of the real tools: ``simulator=...``, nothing else.

Of an NPU, ``bin`` holds the executables, ``python`` the modules, ``Ascend`` the version files of an installation; of an
NVIDIA GPU, ``bin/nvidia`` holds the executables and ``python/nvidia`` the module ``pynvml``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from harness.config.simulator import SimulatorSettings
from harness.simulator.options import SALT_VARIABLE, VARIABLE

HERE = Path(__file__).resolve().parent
TOOLKIT = HERE / "Ascend" / "ascend-toolkit" / "latest"
MODULES = (HERE / "python" / "frontend", HERE / "python" / "runtime")
"""The folders of ``ais_bench`` and of ``aclruntime``; the genuine ais_bench runs on the second alone."""
NVIDIA_TOOLS, NVIDIA_MODULES = HERE / "bin" / "nvidia", HERE / "python" / "nvidia"


def environment(settings: SimulatorSettings, base: Mapping[str, str] | None = None, salt: str = "") -> dict[str, str]:
    """``base`` (default: this process's environment), with the stand-ins in front where the settings ask for them.

    ``salt`` tells the processes of a sweep apart: equal settings and salt give equal simulated times. Without
    one, that of ``base`` stays.
    """
    found = dict(os.environ if base is None else base)
    if not settings.active:
        return found
    nvidia = settings.kind == "nvidia"
    places = [str(folder) for folder in ((NVIDIA_MODULES,) if nvidia else MODULES)]
    found |= {
        VARIABLE: json.dumps(asdict(settings)),
        SALT_VARIABLE: salt or found.get(SALT_VARIABLE, ""),
        "HARNESS_SIMULATOR_PYTHON": sys.executable,
        "HARNESS_SIMULATOR_ROOT": str(HERE.parents[1]),
        "PYTHONPATH": os.pathsep.join(_once([*places, *_parts(found, "PYTHONPATH")])),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if nvidia and settings.fail == "toolkit_missing":
        return found
    if nvidia:
        found["PATH"] = os.pathsep.join(_once([str(NVIDIA_TOOLS), *_parts(found, "PATH")]))
        return found
    if settings.fail == "toolkit_missing":  # what a shell looks like in which set_env.sh was not sourced
        found.pop("ASCEND_HOME_PATH", None)
        found["PATH"] = os.pathsep.join(_once([str(HERE / "bin" / "driver"), *_parts(found, "PATH")]))
        return found
    tools = [str(HERE / "bin"), str(HERE / "bin" / "driver")]
    found["PATH"] = os.pathsep.join(_once([*tools, *_parts(found, "PATH")]))
    found["ASCEND_HOME_PATH"] = str(TOOLKIT)
    return found


def _parts(environment: Mapping[str, str], name: str) -> list[str]:
    return [part for part in environment.get(name, "").split(os.pathsep) if part]


def _once(parts: list[str]) -> list[str]:
    return list(dict.fromkeys(parts))

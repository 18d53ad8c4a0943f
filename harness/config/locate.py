"""Where things are: the configuration that travels with the package, and the home that results are written to."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import HarnessError

PACKAGE = Path(__file__).resolve().parents[1]
HOME_VARIABLE = "HARNESS_HOME"


def conf_dir() -> Path:
    """The folder of the Hydra groups: ``harness/conf`` in a wheel, ``conf`` beside the package in a checkout."""
    return _travelling("conf", "config.yaml")


def sweeps_dir() -> Path:
    """The folder whose group ``sweep`` holds the named sweeps, laid out as for `conf_dir`."""
    return _travelling("sweeps", "sweep")


def harness_home(given: str | None = None) -> Path:
    """The absolute folder that takes every result: the one given, else ``HARNESS_HOME``, else ``mlruns`` here."""
    return Path(os.path.normpath(Path(given or os.environ.get(HOME_VARIABLE) or "mlruns").expanduser().absolute()))


def _travelling(name: str, witness: str) -> Path:
    candidates = (PACKAGE / name, PACKAGE.parent / name)
    for folder in candidates:
        if (folder / witness).exists():
            return folder
    places = " or ".join(str(folder) for folder in candidates)
    raise HarnessError(f"the folder {name} is missing: expected {places}; install the package again")

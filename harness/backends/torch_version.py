"""Which torch is installed and for which CUDA it was built, without importing it."""

from __future__ import annotations

import importlib.util
import runpy
from functools import lru_cache
from importlib import metadata
from pathlib import Path


def version() -> str:
    """The installed version with its build (``2.13.0+cpu``); ``absent`` where there is none."""
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "absent"


@lru_cache(maxsize=1)
def built_for_cuda() -> str | None:
    """The CUDA version that the installed torch was built for; None without torch or without CUDA."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return None
    try:
        said = runpy.run_path(str(Path(found.origin).with_name("version.py")))
    except OSError:
        return None
    cuda = said.get("cuda")
    return None if cuda is None else str(cuda)

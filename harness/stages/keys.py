"""Stage keys: the hash of everything that decides what a stage makes. Equal key, equal result, no work."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.files import sha256_file

_PACKAGE = Path(__file__).resolve().parent.parent


def stage_key(
    stage: str,
    version: int,
    *,
    inputs: Mapping[str, str],
    config: Mapping[str, Any],
    tools: Iterable[str] = (),
    sources: Iterable[Path] = (),
) -> str:
    """SHA-256 (hex) over the stage's version, its inputs' hashes, its part of the configuration and its tools.

    ``tools`` are distribution names, taken with their installed versions; ``sources`` are files of this project (or of
    a plug-in) whose content decides the result. ``config`` holds JSON values only.
    """
    document = {
        "stage": stage,
        "version": version,
        "inputs": dict(inputs),
        "config": config,
        "tools": {name: _version(name) for name in tools},
        "sources": sorted([path.name, sha256_file(path)] for path in sources),
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def graph_sources(*modules: str) -> tuple[Path, ...]:
    """The files of ``harness/graph`` whose content decides what a stage makes."""
    return tuple(_PACKAGE / "graph" / f"{name}.py" for name in modules)


def room_sources(*rooms: str) -> tuple[Path, ...]:
    """All files of these rooms."""
    return tuple(file for room in rooms for file in sorted((_PACKAGE / room).glob("*.py")))


@cache
def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"

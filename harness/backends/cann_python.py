"""The Python that runs ais_bench: CANN's own (3.7 to 3.11), which need not be the harness's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from harness.errors import ConfigError
from harness.interpreter import python_environment

_ASK = (
    "import importlib.util as u, sys; found = u.find_spec('ais_bench') and u.find_spec('aclruntime');"
    "sys.exit(0 if found else 3)"
)
_VERSIONS = """
import sys
try:
    from importlib.metadata import version
except ImportError:
    from pkg_resources import get_distribution
    version = lambda name: get_distribution(name).version
print("python", sys.version.split()[0])
for name in ("ais_bench", "aclruntime", "numpy"):
    try:
        print(name, version(name))
    except Exception:
        pass
"""
TIMEOUT_S = 30.0


def interpreter(asked: str | None, environment: Mapping[str, str]) -> str:
    """The Python to use: the one asked for, else the first of the harness's own and ``python3`` that has ais_bench.

    Where neither has it, the harness's own: it will say what is missing.

    Raises:
        ConfigError: there is none at the path asked for.
    """
    if asked is not None:
        found = shutil.which(str(Path(asked).expanduser()), path=environment.get("PATH"))
        if found is None:
            raise ConfigError(f"backend.python={asked}: no such interpreter; give the path of CANN's python3")
        return found
    return _first(tuple(sorted(environment.items())))


def run_code(
    python: str, code: str, environment: Mapping[str, str], *, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a few lines in CANN's Python, their output kept as text. Raises OSError and subprocess.TimeoutExpired."""
    return subprocess.run(
        [python, "-c", code],
        env=python_environment(environment),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
        check=False,
    )


def versions(python: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Versions of the interpreter, ais_bench, aclruntime and numpy; what cannot be told is left out."""
    try:
        done = run_code(python, _VERSIONS, environment, timeout_s=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    pairs = [line.split() for line in done.stdout.splitlines()]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


@lru_cache(maxsize=8)
def _first(environment: tuple[tuple[str, str], ...]) -> str:
    known = python_environment(dict(environment))
    other = shutil.which("python3", path=known.get("PATH"))
    for python in dict.fromkeys(filter(None, (sys.executable, other))):
        try:
            asked = subprocess.run([python, "-c", _ASK], env=known, capture_output=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if asked.returncode == 0:
            return python
    return sys.executable

"""The trtexec of this machine: where it is, which TensorRT it belongs to, and which flags that version knows."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.errors import ConfigError, HarnessError
from harness.parsing.text import ParseError
from harness.parsing.trtexec import parse

USUAL = ("/usr/src/tensorrt/bin/trtexec", "/opt/tensorrt/bin/trtexec")
"""Where NVIDIA's packages and containers put it, mostly without adding the folder to PATH."""
TIMEOUT_S = 60.0
_FLAG = re.compile(r"^ {1,4}(--\w+)(?:[= ,\[]|$)(?:, *(--\w+))?", re.MULTILINE)


@dataclass(frozen=True)
class TrtexecTool:
    """``version`` is as the tool prints it (``10.2.0``; None for TensorRT 7, which does not); ``flags`` with dashes."""

    path: str
    version: str | None
    flags: frozenset[str]

    def knows(self, flag: str) -> bool:
        """Whether ``trtexec --help`` lists the flag, given without its dashes."""
        return f"--{flag}" in self.flags


def located(asked: str | None, environment: Mapping[str, str]) -> str | None:
    """The path of trtexec: the one asked for, else the one on PATH, else one at a usual place; None without any.

    Raises:
        ConfigError: there is none at the path asked for.
    """
    path = environment.get("PATH")
    if asked is not None:
        found = shutil.which(str(Path(asked).expanduser()), path=path)
        if found is None:
            raise ConfigError(f"backend.options.trtexec={asked}: no such program; give the path of trtexec")
        return found
    roots = [
        Path(environment[name]) / "bin" / "trtexec" for name in ("TENSORRT_ROOT", "TRT_ROOT") if name in environment
    ]
    return next(filter(None, (shutil.which(str(each), path=path) for each in ("trtexec", *roots, *USUAL))), None)


def tool(asked: str | None, environment: Mapping[str, str]) -> TrtexecTool:
    """What there is to call, by what its ``--help`` says; asked once a process.

    Raises:
        HarnessError: there is none (reason ``tool_missing``), or it does not answer; with a hint.
    """
    path = located(asked, environment)
    if path is None:
        raise HarnessError(
            "trtexec: not found on PATH",
            reason="tool_missing",
            hint="install TensorRT, whose bin folder has trtexec, and put that folder on PATH or give "
            "backend.options.trtexec=/path/to/trtexec",
        )
    return _examined(path, Path(path).stat().st_mtime_ns, tuple(sorted(environment.items())))


@lru_cache(maxsize=8)
def _examined(path: str, mtime_ns: int, environment: tuple[tuple[str, str], ...]) -> TrtexecTool:
    from harness.backends.tool_errors import explained

    del mtime_ns  # a new file at the same place is another tool
    try:
        done = subprocess.run(
            [path, "--help"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"{path} --help: {error}", reason="tool_not_executable") from error
    text = done.stdout.decode(errors="replace")
    flags = frozenset(name for pair in _FLAG.findall(text) for name in pair if name)
    if "--loadEngine" not in flags:
        raise explained("trtexec", text, done.returncode, f"{path} --help lists no --loadEngine: it is no trtexec")
    return TrtexecTool(path, _version(text), flags)


def _version(text: str) -> str | None:
    try:
        return parse(text).version
    except ParseError:
        return None

"""Tiny Python children for the tests of the sweep: they import nothing heavy and synchronise through files."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path


def python(code: str, *arguments: object) -> list[str]:
    """The command line that runs a piece of Python."""
    return [sys.executable, "-c", code, *map(str, arguments)]


def running(pid: int) -> bool:
    """Whether the process does anything still; one that waits to be buried by somebody else does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until_gone(pid: int, seconds: float = 30) -> bool:
    """Block until the process has ended; False when the time is over."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(handle)

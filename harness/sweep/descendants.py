"""The processes that a step leaves behind: found by a mark in their environment, and ended.

A process group holds only those that did not leave it. The mark is inherited by every descendant, a daemon that forked
twice and made its own session included; continuous-integration servers find theirs the same way. Linux only: elsewhere
nothing is found, and the process group is all there is.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

VARIABLE = "HARNESS_STEP"
_ATTEMPTS = 20
_WAIT_MS = 5000


def marked(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """The environment with the mark added to those that an outer step has left in it."""
    return {**environment, VARIABLE: ":".join(filter(None, [environment.get(VARIABLE), mark]))}


def end_marked(mark: str, leader: int | None = None) -> int:
    """Kill every process that bears the mark and wait until it is gone; returns how many were found.

    One that forks meanwhile is found in the next pass; after 20 passes it is left alone. ``leader`` is a child that
    another thread waits for and buries.
    """
    seen: set[int] = set()
    for _ in range(_ATTEMPTS):
        found = set(find_marked(mark)) - seen
        for pid in found:
            _kill(pid, mark, bury=pid != leader)
        if not found:
            break
        seen |= found
    return len(seen)


def find_marked(mark: str) -> Iterator[int]:
    """Ids of the processes whose environment holds the mark; processes of other users are not readable and not ours."""
    with suppress(OSError):
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and _bears(int(entry.name), mark):
                yield int(entry.name)


def _bears(pid: int, mark: str) -> bool:
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _kill(pid: int, mark: str, *, bury: bool) -> None:
    """SIGKILL through a handle on the process, so that its number cannot have passed to another one (Linux 5.3)."""
    try:
        handle = os.pidfd_open(pid)
    except (OSError, AttributeError):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        return
    try:
        if _bears(pid, mark):
            with suppress(OSError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            poll.poll(_WAIT_MS)
            if bury:
                with suppress(ChildProcessError):  # orphans are ours where this process is init of a container
                    os.waitpid(pid, os.WNOHANG)
    finally:
        os.close(handle)

"""The processes that a step leaves behind: found by session or by a mark in their environment, and ended.

A process group holds only those that did not leave it. The mark is inherited by every descendant, a daemon that forked
twice and made its own session included; continuous-integration servers find theirs the same way. Linux only: elsewhere
nothing is found, and the process group is all there is.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "HARNESS_STEP"
_PASSES = 20
_WAIT_MS = 5000
_LOADING_S = 0.1
"""A process whose program is being loaded has an empty environment for a moment: a young one is looked at again."""


@dataclass(frozen=True)
class _Stat:
    """Of ``/proc/PID/stat`` (proc(5)): state letter, session, start in clock ticks after boot."""

    state: str
    session: int
    started: int


def marked(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """The environment with the mark added to those that an outer step has left in it."""
    return {**environment, VARIABLE: ":".join(filter(None, [environment.get(VARIABLE), mark]))}


def end_marked(mark: str, leader: int | None = None) -> int:
    """Kill every process of a step and wait until it is gone; returns how many were found.

    One that forks meanwhile is found in the next pass; after 20 passes it is left alone. ``leader`` is the step's own
    process, leader of its session, which another thread waits for and buries.
    """
    seen: set[int] = set()
    for _ in range(_PASSES):
        found = set(find_marked(mark, leader)) - seen
        for pid in found:
            _kill(pid, mark, leader)
        if not found:
            break
        seen |= found
    return len(seen)


def find_marked(mark: str, leader: int | None = None) -> Iterator[int]:
    """Ids of the running processes of a step; those of other users are not readable and not ours."""
    with suppress(OSError):
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal() and _belongs(int(entry.name), mark, leader):
                yield int(entry.name)


def _belongs(pid: int, mark: str, leader: int | None) -> bool:
    """Whether a process runs in the leader's session or bears the mark."""
    stat = _stat(pid)
    if stat is None or stat.state in {"Z", "X"} or stat.session == 0:  # ended, or a thread of the kernel
        return False
    if stat.session == leader:
        return True
    environment = _environment(pid)
    lead = _stat(leader) if leader is not None and not environment else None
    if lead is not None and stat.started >= lead.started:
        deadline = time.monotonic() + _LOADING_S
        while not environment and _has_memory(pid) and time.monotonic() < deadline:
            time.sleep(0.001)
            environment = _environment(pid)
    return mark.encode() in environment


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _has_memory(pid: int) -> bool:
    """Whether the process has memory still or already, and is not on its way out."""
    try:
        return not Path(f"/proc/{pid}/statm").read_text().startswith("0 ")
    except OSError:
        return False


def _stat(pid: int) -> _Stat | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return _Stat(fields[0], int(fields[3]), int(fields[19]))
    except (OSError, ValueError, IndexError):
        return None


def _kill(pid: int, mark: str, leader: int | None) -> None:
    """SIGKILL through a handle on the process, so that its number cannot have passed to another one (Linux 5.3)."""
    try:
        handle = os.pidfd_open(pid)
    except (OSError, AttributeError):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        return
    try:
        if _belongs(pid, mark, leader):
            with suppress(OSError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            poll.poll(_WAIT_MS)
            if pid != leader:
                with suppress(ChildProcessError):  # orphans are ours where this process is init of a container
                    os.waitpid(pid, os.WNOHANG)
    finally:
        os.close(handle)

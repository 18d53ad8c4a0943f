"""What a child process does first of all: arrange that it cannot take the machine, or the sweep, down with it.

Everything here is for Linux; elsewhere it does nothing and its return value says so.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import re
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.sweep.memory import available_bytes

OOM_SCORE_ADJ = 800
"""Of -1000 to 1000 (proc(5)): high enough that the kernel takes a child before the sweep, a shell or a database."""
RESERVE_BYTES = 256 * 2**20
"""What ``auto`` leaves at least: libraries, page tables and the parent are not counted by RLIMIT_DATA."""
_PR_SET_PDEATHSIG = 1
_LINUX = sys.platform == "linux"


@dataclass(frozen=True)
class Protection:
    """What could be arranged for a process: None or False where this system does not offer it."""

    oom_score_adj: int | None
    dies_with_parent: bool
    memory_limit_bytes: int | None


def protect(memory_limit_bytes: int | None, parent_pid: int) -> Protection:
    """Protect machine and sweep from the calling process; call it before anything heavy is imported.

    The process becomes the kernel's first choice when memory runs out, dies when its parent does, gets MemoryError or
    ``bad_alloc`` beyond ``memory_limit_bytes`` (None: no limit), and writes the stacks of its threads to standard error
    when it crashes or is told to stop (SIGTERM).
    """
    _explain_death()
    return Protection(
        oom_score_adj=raise_oom_score(),
        dies_with_parent=die_with(parent_pid),
        memory_limit_bytes=limit_memory(memory_limit_bytes),
    )


def memory_limit(value: float | Literal["auto", "none"], available: int | None = None) -> int | None:
    """The limit in bytes that ``limits.memory_gb`` means now: GB (10^9 bytes), ``none``, or ``auto``.

    ``auto`` is what the machine and its control groups have free (``available``, asked when None) less a reserve of
    5 % and at least 256 MiB, but never less than half of it. None means no limit, also where nothing is known.
    """
    if value == "none":
        return None
    if value != "auto":
        return int(value * 1e9)
    free = available_bytes() if available is None else available
    return None if free is None else free - min(free // 2, max(free // 20, RESERVE_BYTES))


def raised_oom_score() -> int:
    """The ``oom_score_adj`` that a child of this process should have: OOM_SCORE_ADJ, or this process's if higher."""
    try:
        return max(OOM_SCORE_ADJ, int(Path("/proc/self/oom_score_adj").read_text()))
    except (OSError, ValueError):
        return OOM_SCORE_ADJ


def raise_oom_score() -> int | None:
    """Raise this process's ``oom_score_adj``, never lower it; returns the value it has then, or None."""
    score = raised_oom_score()
    try:
        Path("/proc/self/oom_score_adj").write_text(str(score))
    except OSError:
        return None
    return score


def limit_memory(limit_bytes: int | None) -> int | None:
    """Bound this process's private writable memory (RLIMIT_DATA); returns the limit in force, None where there is none.

    RLIMIT_AS would count address space that runtimes only reserve; RLIMIT_DATA counts what can be written to, thread
    stacks and ``mmap`` included since Linux 4.7 (setrlimit(2)). A child process inherits it.
    """
    if limit_bytes is None or not _LINUX:
        return None
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    except (OSError, ValueError):
        return None
    return limit


def die_with(parent_pid: int) -> bool:
    """Have the kernel kill this process when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG).

    If the parent is gone already, the process kills itself as the kernel would have. Returns whether it is arranged.
    """
    if not _LINUX:
        return False
    try:
        arranged = bool(ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False
    if os.getppid() != parent_pid and not _alive(parent_pid):
        os.kill(os.getpid(), signal.SIGKILL)
    return arranged


def peak_memory_bytes(pid: int | None = None) -> int | None:
    """The most resident memory that a process (default: this one) has had since its program was loaded, or None.

    ``VmHWM`` of proc(5). Not ``ru_maxrss``: that starts from the parent's peak on Linux, since it outlives ``exec``.
    """
    if not _LINUX:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS: in bytes, and not carried over
        return own if pid in {None, os.getpid()} else None
    with suppress(OSError):
        status = Path(f"/proc/{pid or 'self'}/status").read_text(errors="replace")
        if found := re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE):
            return int(found[1]) * 1024
    return None


def _explain_death() -> None:
    """Stacks of all threads on standard error upon a fatal signal, and upon SIGTERM before it does what it does."""
    with suppress(OSError, ValueError, AttributeError, RuntimeError):  # standard error may be closed or replaced
        faulthandler.enable(sys.stderr)
        faulthandler.register(signal.SIGTERM, sys.stderr, all_threads=True, chain=True)


def _alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in {"Z", "X"}

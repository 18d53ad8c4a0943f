"""One child process from start to end: ``run_child`` returns whatever became of it, and leaves no process behind.

The parent sleeps meanwhile: a thread blocks in ``waitid``, the caller blocks on an event. A measurement has the
machine to itself.
"""

from __future__ import annotations

import errno
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from harness.files import NO_ROOM, no_room
from harness.sweep.descendants import end_marked, marked
from harness.sweep.guard import peak_memory_bytes, raised_oom_score
from harness.sweep.memory import oom_kills

GRACE_S = 5.0
"""Between SIGTERM and SIGKILL."""
UNKILLABLE_S = 30.0
"""How long a process may take to die of SIGKILL: one that hangs in a driver never does, and the sweep goes on."""
_SHELL = "/bin/sh"


@dataclass(frozen=True)
class ChildExit:
    """How a child ended. ``exit_status`` and ``signal`` are both None if it never started or could not be killed.

    ``peak_memory_bytes`` covers the child and those of its descendants that it waited for, and is None where the
    kernel's figure says only that it was less than this process's own peak. ``oom_killed``: the kernel killed it for
    want of memory. ``disk_full``: the log's file system had no room when the child ended. ``started`` is UTC, ISO 8601.
    """

    started: str
    timeout_s: float
    wall_s: float = 0.0
    exit_status: int | None = None
    signal: int | None = None
    timed_out: bool = False
    cancelled: bool = False
    peak_memory_bytes: int | None = None
    memory_limit_bytes: int | None = None
    oom_killed: bool = False
    disk_full: bool = False
    start_error: str | None = None


class ChildCancelled(KeyboardInterrupt):
    """Ctrl-C came while a child ran; the child is gone, and ``child`` says how."""

    def __init__(self, child: ChildExit) -> None:
        super().__init__("interrupted while a child process ran")
        self.child = child


@dataclass
class _Child:
    """A started process, leader of its own session and group, and the thread that waits for it."""

    process: subprocess.Popen[bytes]
    mark: str
    ended: threading.Event = field(default_factory=threading.Event)
    status: int | None = None
    usage: resource.struct_rusage | None = None
    killed: bool = False
    _reaped: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        threading.Thread(target=self._await_end, name=f"await-{self.process.pid}", daemon=True).start()

    def _await_end(self) -> None:
        """Block until the leader has ended, end those it leaves behind, and only then give up its number."""
        with suppress(ChildProcessError):  # SIGCHLD is ignored here: nobody is told how it ended
            if hasattr(os, "waitid"):  # missing on macOS before Python 3.13
                os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
                end_marked(self.mark, leader=self.process.pid)
                self._signal_group(signal.SIGKILL)  # those that have cleaned their environment
            _, self.status, self.usage = self._reap()
        self.process.returncode = 0 if self.status is None else self.status  # Popen shall not wait for it again
        self.ended.set()

    def _reap(self) -> tuple[int, int, resource.struct_rusage]:
        """Blocks, except after ``waitid``; the lock keeps a signal from going to a number that is free already."""
        if not hasattr(os, "waitid"):
            return os.wait4(self.process.pid, 0)
        with self._lock:
            self._reaped = True
            return os.wait4(self.process.pid, 0)

    def _signal_group(self, number: signal.Signals) -> None:
        with self._lock, suppress(ProcessLookupError, PermissionError):
            if not self._reaped:
                os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """End the group: SIGTERM, and SIGKILL when the grace is over or the user interrupts again."""
        try:
            self._signal_group(signal.SIGTERM)
            self.ended.wait(GRACE_S)
        finally:
            if not self.ended.is_set():
                self.killed = True
                end_marked(self.mark, leader=self.process.pid)
                self._signal_group(signal.SIGKILL)
                self.ended.wait(UNKILLABLE_S)


def run_child(
    argv: Sequence[str],
    *,
    log: Path,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    memory_limit_bytes: int | None = None,
    mark: str | None = None,
) -> ChildExit:
    """Run a command to its end, its standard output and error in ``log``; it has no standard input.

    The child leads its own process group, is the kernel's first choice when memory runs out, and is bound by
    ``memory_limit_bytes``. After ``timeout_s`` it is stopped with its group: SIGTERM, 5 s, SIGKILL. Descendants that
    outlive it are killed. ``env`` replaces the environment of this process. ``mark`` is what all of them bear in
    theirs, by which they can be found (see ``descendants``); a random one by default.

    Raises:
        ChildCancelled: a KeyboardInterrupt came; the child has been stopped. A second one kills it at once.
    """
    exit_ = ChildExit(
        started=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        timeout_s=timeout_s,
        memory_limit_bytes=memory_limit_bytes,
    )
    mark, begin, kills = mark or uuid.uuid4().hex, time.monotonic(), oom_kills()
    child, timed_out, cancelled, error = None, False, False, None
    try:
        try:
            child = _start(_guarded(argv, memory_limit_bytes), log, os.environ if env is None else env, mark)
            timed_out = not child.ended.wait(_bounded(timeout_s))
        except OSError as problem:
            error = problem
        except KeyboardInterrupt:
            cancelled = True
        try:
            if child is not None and not child.ended.is_set():
                child.stop()
        except KeyboardInterrupt:
            cancelled = True
    finally:
        if child is None or not child.ended.is_set():  # an interrupt at a bad moment: the child itself bears the mark
            end_marked(mark, leader=child.process.pid if child else None)
    exit_ = replace(exit_, wall_s=time.monotonic() - begin, timed_out=timed_out, cancelled=cancelled)
    if child is not None:
        exit_ = replace(_ended(exit_, child, kills), disk_full=no_room(log.parent))
    if error is not None:
        words = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        exit_ = replace(exit_, start_error=words, disk_full=error.errno in NO_ROOM)
    if cancelled:
        raise ChildCancelled(exit_)
    return exit_


def _start(argv: Sequence[str], log: Path, environment: Mapping[str, str], mark: str) -> _Child:
    log.parent.mkdir(parents=True, exist_ok=True)
    # Appending, so that two writers, or somebody who empties the file meanwhile, leave no holes in it.
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            env=marked(environment, mark),
            start_new_session=True,
        )
    finally:
        os.close(handle)
    return _Child(process, mark)


def _guarded(argv: Sequence[str], limit_bytes: int | None) -> list[str]:
    """The command behind a shell that protects the machine and then becomes it: from here it could be too late.

    Raises:
        FileNotFoundError: there is no such command, which the shell would say only with its status.
    """
    if sys.platform != "linux" or not os.access(_SHELL, os.X_OK):
        return list(argv)
    if shutil.which(argv[0]) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
    script = f"echo {raised_oom_score()} > /proc/self/oom_score_adj"
    if limit_bytes is not None:  # RLIMIT_DATA in kB; a tighter limit from outside refuses this one and stays
        script += f"; ulimit -d {limit_bytes // 1024}"
    return [_SHELL, "-c", f'{{ {script}; }} 2>/dev/null; exec "$@"', "sh", *argv]


def _ended(exit_: ChildExit, child: _Child, kills_before: int | None) -> ChildExit:
    """What the wait status and the kernel's counters add. Read the child only after its event, or not at all."""
    if child.status is None:
        return exit_
    code = os.waitstatus_to_exitcode(child.status)
    kills = oom_kills()
    risen = kills is not None and kills_before is not None and kills > kills_before
    return replace(
        exit_,
        exit_status=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        peak_memory_bytes=_peak(child.usage),
        oom_killed=code == -signal.SIGKILL and not child.killed and risen,
    )


def _peak(usage: resource.struct_rusage | None) -> int | None:
    """``ru_maxrss`` where it can be the child's own: Linux carries the parent's peak over ``exec`` into it."""
    if usage is None:
        return None
    peak = int(usage.ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
    inherited = peak_memory_bytes() or 0
    # The kernel's counters are batched per processor: a figure just above the parent's is the parent's.
    return peak if sys.platform == "darwin" or peak > 1.02 * inherited + 4 * 2**20 else None


def _bounded(seconds: float) -> float:
    """A number of seconds that an event can wait."""
    return min(seconds, threading.TIMEOUT_MAX) if math.isfinite(seconds) else threading.TIMEOUT_MAX

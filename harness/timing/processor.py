"""What the measuring process had of the processors: CPU time against wall time, and time spent waiting for a core.

CPU time stands still while a process is stopped (SIGSTOP, a suspended container) and while others have its core; the
wall clock does not. Linux also counts how long a runnable thread waited (``/proc/self/task/*/schedstat``, second field,
in ns; proc(5) and Documentation/scheduler/sched-stats of the kernel).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TASKS = Path("/proc/self/task")
NOTICED = 0.05
"""The share of the wall time from which a loss is pointed out, and the least loss in s below."""
NOTICED_S = 0.05


@dataclass(frozen=True)
class ProcessorTime:
    """Seconds: by the wall clock, of CPU time in the calling thread and in all threads, and waited for a core.

    ``thread_waited_s`` is the calling thread's, ``waited_s`` the sum over all; None where the kernel does not count it.
    """

    wall_s: float
    thread_s: float
    process_s: float
    waited_s: float | None
    thread_waited_s: float | None = None

    def since(self, earlier: ProcessorTime) -> ProcessorTime:
        """The time between two readings."""
        return ProcessorTime(
            self.wall_s - earlier.wall_s,
            self.thread_s - earlier.thread_s,
            self.process_s - earlier.process_s,
            _gone_by(self.waited_s, earlier.waited_s),
            _gone_by(self.thread_waited_s, earlier.thread_waited_s),
        )


def processor_time(tasks: Path = TASKS) -> ProcessorTime:
    """The reading of now, for the calling thread and its process."""
    own = tasks / str(threading.get_native_id()) / "schedstat"
    return ProcessorTime(
        time.perf_counter(),
        time.thread_time(),
        time.process_time(),
        _waited_s(tasks.glob("*/schedstat")),
        _waited_s([own]),
    )


def lost_time(spent: ProcessorTime, *, computes_here: bool) -> dict[str, str]:
    """What a measurement lost, as codes with a sentence each; nothing where it had what it needed.

    ``waited_for_core``: its threads were runnable and others ran. ``stood_still``: the calling thread neither ran nor
    waited. This can be told only where the calling thread computes (``computes_here``): a host that waits for a device
    sleeps as well.
    """
    found = {}
    waited_s = spent.waited_s or 0.0
    if _noticed(waited_s, spent.wall_s):
        found["waited_for_core"] = (
            f"its threads waited {waited_s:.2f} s for cores that other processes had, in {spent.wall_s:.2f} s"
        )
    idle_s = spent.wall_s - spent.thread_s - (spent.thread_waited_s or 0.0)
    if computes_here and _noticed(idle_s, spent.wall_s):
        found["stood_still"] = (
            f"it had {spent.thread_s:.2f} s of CPU time in {spent.wall_s:.2f} s of wall time: stopped, suspended or"
            f" blocked for about {idle_s:.2f} s"
        )
    return found


def _gone_by(now: float | None, earlier: float | None) -> float | None:
    """The difference; threads that have ended take their time with them, which must not count backwards."""
    return None if now is None or earlier is None else max(0.0, now - earlier)


def _noticed(loss_s: float, wall_s: float) -> bool:
    return loss_s > NOTICED_S and loss_s > NOTICED * wall_s


def _waited_s(files: Iterable[Path]) -> float | None:
    """The waiting time of all threads; None where no file tells it."""
    total, told = 0, False
    for file in files:
        try:
            total += int(file.read_text(encoding="ascii").split()[1])
            told = True
        except (OSError, ValueError, IndexError):
            continue
    return total / 1e9 if told else None

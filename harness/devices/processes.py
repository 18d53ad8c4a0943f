"""Other processes of this machine: which of them used the processors between two moments, by name."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

LEAST_CORES = 0.1
"""A process that used less is no disturbance."""
NAMED = 3
"""How many are named, the busiest first."""


@dataclass(frozen=True)
class Used:
    """CPU seconds of a process so far; ``own`` for those that belong to this measurement."""

    name: str
    cpu_s: float
    own: bool


@dataclass(frozen=True)
class Snapshot:
    """All processes by pid and start time, at ``time_s`` (``time.monotonic``)."""

    time_s: float
    processes: Mapping[tuple[int, float], Used]


@dataclass(frozen=True)
class Busy:
    """A foreign process and the cores that it used on average."""

    pid: int
    name: str
    cores: float

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}, {self.cores:.1f} cores)"


def snapshot() -> Snapshot:
    """The processes of now. Own are this one, those that started it, and everything that its parent started."""
    me = psutil.Process()
    parents = {each.pid for each in me.parents()}
    root = me.ppid()
    found: dict[tuple[int, float], Used] = {}
    parent_of: dict[int, int] = {}
    seen = []
    for process in psutil.process_iter(["pid", "ppid", "name", "cpu_times", "create_time"]):
        facts = process.info
        if facts["cpu_times"] is not None:
            parent_of[facts["pid"]] = facts["ppid"] or 0
            seen.append(facts)
    for facts in seen:
        own = facts["pid"] in parents or _below(facts["pid"], {me.pid, root}, parent_of)
        times = facts["cpu_times"]
        found[facts["pid"], facts["create_time"] or 0.0] = Used(facts["name"] or "?", times.user + times.system, own)
    return Snapshot(time.monotonic(), found)


def busy_between(before: Snapshot, after: Snapshot) -> tuple[Busy, ...]:
    """The foreign processes that used at least ``LEAST_CORES``, the busiest first; one that has ended is not seen."""
    elapsed_s = after.time_s - before.time_s
    if elapsed_s <= 0:
        return ()
    found = []
    for key, used in after.processes.items():
        earlier = before.processes.get(key)
        cores = (used.cpu_s - (earlier.cpu_s if earlier else 0.0)) / elapsed_s
        if not used.own and cores >= LEAST_CORES:
            found.append(Busy(key[0], used.name, cores))
    return tuple(sorted(found, key=lambda each: -each.cores))


def named(busy: tuple[Busy, ...]) -> str:
    """The busiest, for a sentence: ``python3 (pid 123, 1.0 cores), cc1 (pid 7, 0.4 cores) and 2 more``."""
    text = ", ".join(str(each) for each in busy[:NAMED])
    return text + (f" and {len(busy) - NAMED} more" if len(busy) > NAMED else "")


def _below(pid: int, roots: set[int], parent_of: Mapping[int, int]) -> bool:
    """Whether a process is one of the roots or descends from one; init adopts orphans and is nobody's."""
    for _ in range(64):
        if pid in roots and pid > 1:
            return True
        pid = parent_of.get(pid, 0)
        if pid <= 1:
            return False
    return False

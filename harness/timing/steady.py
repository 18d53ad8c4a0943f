"""When is a device warm: windows of iterations whose medians no longer move (PEERS.md R3). Pure, numbers only."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable

WINDOW_ITERATIONS = 10
WINDOW_S = 0.5
"""A window ends when it holds so many iterations and lasts so long."""
WINDOWS = 3
TOLERANCE = 0.02
"""The medians of the last windows lie within this share of their mean."""
TURNS = 4
"""Changes of direction among their iterations: a series that only falls is still warming up (BenchmarkDotNet)."""


class Settling:
    """Takes iteration times one by one. ``steady``: True once settled, False while not, None before it can be told."""

    def __init__(self) -> None:
        self.steady: bool | None = None
        self._windows: deque[list[int]] = deque(maxlen=WINDOWS)
        self._current: list[int] = []
        self._current_ns = 0

    def add(self, time_ns: int) -> bool:
        """Take the next iteration; returns whether the device is steady now."""
        self._current.append(time_ns)
        self._current_ns += time_ns
        if len(self._current) >= WINDOW_ITERATIONS and self._current_ns >= WINDOW_S * 1e9:
            self._windows.append(self._current)
            self._current, self._current_ns = [], 0
            if len(self._windows) == WINDOWS:
                self.steady = _level(self._windows) and turns(time for window in self._windows for time in window) >= (
                    TURNS
                )
        return self.steady is True


def steady_at_end(times_ms: Iterable[float]) -> bool | None:
    """Whether a series had settled in its last windows; None where it has fewer.

    For devices with a timer of their own, whose warm-up nobody sees: what never settles shows in the timed iterations.
    """
    settling = Settling()
    for time_ms in times_ms:
        settling.add(round(time_ms * 1e6))
    return settling.steady


def turns(values: Iterable[float]) -> int:
    """How often a series changes its direction; steps of no height are passed over."""
    count, direction, before = 0, 0, None
    for value in values:
        if before is not None and value != before:
            now = 1 if value > before else -1
            count += direction == -now
            direction = now
        before = value
    return count


def _level(windows: Iterable[list[int]]) -> bool:
    medians = [statistics.median(window) for window in windows]
    mean = sum(medians) / len(medians)
    return all(abs(median - mean) <= TOLERANCE * mean for median in medians)

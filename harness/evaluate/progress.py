"""How far a long evaluation is, how fast it goes and what it would say so far."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One reading. Items that an earlier, interrupted run counted are in ``done`` and not in the rates."""

    done: int
    total: int
    elapsed_s: float
    items_per_s: float
    samples_per_s: float
    left_s: float
    """NaN while nothing has been measured."""
    running: Mapping[str, float]
    """The metric's headline numbers so far, 0 to 1."""


def simple_progress(done: int, total: int, fresh: int, elapsed_s: float) -> Progress:
    """A reading of something without a metric: ``fresh`` of the ``done`` items took ``elapsed_s``."""
    rate = fresh / max(elapsed_s, 1e-9)
    return Progress(done, total, elapsed_s, rate, rate, (total - done) / rate if fresh else float("nan"), {})


OnProgress = Callable[[Progress], None]


def progress_line(progress: Progress, unit: str = "images") -> str:
    """One line for a terminal or a log: ``120/2000 images, 3.1 images/s, 10 min 6 s left, mIoU 47.21 %``."""
    parts = [
        f"{progress.done}/{progress.total} {unit}",
        f"{progress.items_per_s:.3g} {unit}/s",
        f"{duration(progress.left_s)} left",
    ]
    numbers = [f"{name} {value:.2%}".replace("%", " %") for name, value in progress.running.items()]
    return ", ".join(parts + numbers)


def duration(seconds: float) -> str:
    """Seconds in words: ``7 s``, ``10 min 6 s``, ``3 h 2 min``; ``?`` when unknown."""
    if not math.isfinite(seconds):
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def shared_progress(report: OnProgress | None, totals: Sequence[int]) -> list[OnProgress | None]:
    """One callback for each of several parts, of ``totals`` items, that run side by side; ``report`` gets their sum.

    Until all are done, the running numbers are the parts' own, weighted with their items: close to the final metric,
    not equal.
    """
    if report is None:
        return [None] * len(totals)
    lock = threading.Lock()
    latest = [Progress(0, total, 0.0, 0.0, 0.0, float("nan"), {}) for total in totals]

    def callback(part: int) -> OnProgress:
        def on_progress(progress: Progress) -> None:
            with lock:
                latest[part] = progress
                report(_sum(latest))

        return on_progress

    return [callback(part) for part in range(len(totals))]


def _sum(parts: Sequence[Progress]) -> Progress:
    names = {name: None for part in parts for name in part.running}
    done, total = sum(part.done for part in parts), sum(part.total for part in parts)
    items_per_s = sum(part.items_per_s for part in parts)
    return Progress(
        done=done,
        total=total,
        elapsed_s=max(part.elapsed_s for part in parts),
        items_per_s=items_per_s,
        samples_per_s=sum(part.samples_per_s for part in parts),
        left_s=(total - done) / items_per_s if items_per_s else float("nan"),
        running={name: sum(part.running.get(name, 0.0) * part.done for part in parts) / max(done, 1) for name in names},
    )

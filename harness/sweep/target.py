"""Rounds beyond the planned ones, until a cell's interval is as narrow as ``measure.target_halfwidth`` asks for."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records.schema import Repeat
from harness.timing.statistics import more_rounds, t_interval

MOST_ROUNDS = 100
"""No cell gets more rounds, whatever its budget."""


def wanted(repeats: Sequence[Repeat], target: float | None) -> int:
    """How many more rounds the cell's throughput takes to the target, 0 where it is there or there is none."""
    rates = [1 / repeat.mean_ms for repeat in repeats if repeat.mean_ms > 0]
    if target is None or len(rates) < 2 or len(rates) >= MOST_ROUNDS:
        return 0
    return more_rounds(rates, target)


def told(repeats: Sequence[Repeat], target: float, budget_s: float) -> str:
    """Whether the target was reached, after how many rounds, and what it would take where it was not."""
    rates = [1 / repeat.mean_ms for repeat in repeats if repeat.mean_ms > 0]
    width = t_interval(rates).relative_halfwidth if rates else None
    asked = f"target_halfwidth {100 * target:g} %"
    if width is None:
        return f"{asked}: one round has no interval"
    reached = f"±{100 * width:.2g} % after {len(rates)} rounds"
    if width <= target:
        return f"{asked} reached: {reached}"
    spent = f"{MOST_ROUNDS} rounds" if len(rates) >= MOST_ROUNDS else f"the budget of {budget_s:g} s is spent"
    return f"{asked} not reached: {reached}, {spent}; about {more_rounds(rates, target)} more would take it there"

"""Axes of a chart: from zero or logarithmic, whole numbers and plain decimals, intervals that may leave the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from harness.records.schema import Estimate
from harness.report.method_words import Language
from harness.report.plot_series import Series
from harness.report.plot_words import said

FAR_APART = 30
"""How many times the smallest value the largest must be before an axis is logarithmic."""
_ROOM_FOR_BARS = 1.5
"""How far an interval may stretch an axis, in largest values."""


def measured(series: Sequence[Series]) -> list[Estimate]:
    """Every estimate of a chart."""
    return [point.estimate for each in series for point in each.points if point.estimate is not None]


def set_scale(
    axes: Axes,
    direction: Literal["x", "y"],
    estimates: Sequence[Estimate],
    *,
    unit: str,
    better: Literal["higher", "lower"] | None,
    language: Language,
) -> str:
    """Scale the axis of the values and return its name: from zero, or logarithmic where the values lie far apart.

    Intervals fit in, but do not squeeze the values: a very wide one runs out of the picture.
    """
    axis: Axis = axes.xaxis if direction == "x" else axes.yaxis
    limits = axes.set_xlim if direction == "x" else axes.set_ylim
    least, most = min(e.mean for e in estimates), max(e.mean for e in estimates)
    highest = max(e.high if e.high is not None else e.mean for e in estimates)
    name = said(language, better, unit=unit) if better else unit
    if most / least > FAR_APART:
        (axes.set_xscale if direction == "x" else axes.set_yscale)("log")
        low, high = least / 2, min(highest, most * _ROOM_FOR_BARS) * 1.5
        limits(low, high)
        axis.set_major_locator(FixedLocator(_log_ticks(low, high)))
        name = said(language, "log", name=name)
    else:
        limits(0, max(most, min(highest, most * _ROOM_FOR_BARS)) * 1.08)
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_minor_locator(FixedLocator([]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _plain_number(value)))
    return name


def interval(estimate: Estimate, floor: float) -> tuple[float, float] | None:
    """The ends of the bar, no lower than ``floor`` (on a logarithmic axis outside the picture); None without any."""
    if estimate.low is None or estimate.high is None:
        return None
    return max(estimate.low, floor), estimate.high


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten; powers alone where those were too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) <= 4 else (1,)
    return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]


def _plain_number(value: float) -> str:
    """``12000`` and ``0.05``, without powers of ten and without the noise of binary fractions."""
    text = f"{value:.10f}".rstrip("0").rstrip(".")
    return text or "0"

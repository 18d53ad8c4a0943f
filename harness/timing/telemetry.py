"""Telemetry as numbers: means and peaks in a window, energy by integration, spans in which the device throttled.

Pure. A series has one float64 array of shape (readings,) per quantity, nan where a reading lacks it; times are those of
``time.monotonic``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Span = tuple[float, float]

THROTTLED_CLOCK = 0.75
"""A clock below this share of the nominal one counts as throttled (nvbench; PEERS.md R8)."""
BY_DESIGN = frozenset({"sw_power_cap"})
"""Reasons that leave nothing out: the board's power limit is part of a GPU, and a T4 is at it under any heavy load."""
SUMMARISED = ("power_w", "temperature_c", "clock_mhz", "utilisation_percent", "memory_used_bytes", "host_load")


@dataclass(frozen=True)
class Series:
    """Readings in order of time: columns by name, ``time_s`` among them, and the reasons of throttling, joined by +."""

    columns: Mapping[str, FloatArray]
    reasons: Sequence[str]

    @property
    def time_s(self) -> FloatArray:
        """When each reading was taken."""
        return self.columns["time_s"]


@dataclass(frozen=True)
class Energy:
    """Joules of a window; ``idle_w`` is the power before it, ``idle_share`` what the device would have taken anyway."""

    energy_j: float
    mean_w: float
    idle_w: float | None
    idle_share: float | None


def summary(series: Series, window: Span) -> dict[str, dict[str, float]]:
    """Mean and peak by quantity over the readings in the window; a quantity without readings there is left out.

    Six digits: no sensor has more, and a record holds many.
    """
    inside = _inside(series.time_s, window)
    found = {}
    for name in SUMMARISED:
        values = series.columns.get(name)
        seen = values[inside & ~np.isnan(values)] if values is not None else np.empty(0)
        if seen.size:
            found[name] = {"mean": float(f"{seen.mean():.6g}"), "peak": float(f"{seen.max():.6g}")}
    return found


def energy(series: Series, window: Span, idle: Span) -> Energy | None:
    """Energy in the window: the trapezoids of power between readings, cut at its ends by linear interpolation.

    None where power was read fewer than twice or the readings do not surround the window. ``idle`` is the span before
    it in which the device rested.
    """
    power = series.columns["power_w"]
    known = ~np.isnan(power)
    times, watts = series.time_s[known], power[known]
    begin, end = window
    if times.size < 2 or end <= begin or times[0] > begin or times[-1] < end:
        return None
    inner = (times > begin) & (times < end)
    x = np.concatenate([[begin], times[inner], [end]])
    y = np.concatenate([[np.interp(begin, times, watts)], watts[inner], [np.interp(end, times, watts)]])
    joules = float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum())
    resting = watts[_inside(times, idle)]
    idle_w = float(resting.mean()) if resting.size else None
    share = idle_w * (end - begin) / joules if idle_w is not None and joules > 0 else None
    return Energy(joules, joules / (end - begin), idle_w, share)


def throttled_spans(series: Series, window: Span) -> tuple[Span, ...]:
    """The parts of the window in which the device throttled, each from half a reading before to half a one after.

    It throttled where a reading names a reason other than those ``BY_DESIGN``, or its clock is below
    ``THROTTLED_CLOCK`` of the nominal one.
    """
    times = series.time_s
    if not times.size:
        return ()
    named = np.asarray([not BY_DESIGN.issuperset(reason.split("+")) if reason else False for reason in series.reasons])
    absent = np.full(times.size, np.nan)
    clock, nominal = series.columns.get("clock_mhz", absent), series.columns.get("nominal_mhz", absent)
    slow = np.nan_to_num(clock / nominal, nan=1.0) < THROTTLED_CLOCK
    edges = np.concatenate([[window[0]], (times[1:] + times[:-1]) / 2, [window[1]]])
    spans: list[Span] = []
    for index in np.flatnonzero(named | slow):
        begin, end = max(window[0], float(edges[index])), min(window[1], float(edges[index + 1]))
        if begin >= end:
            continue
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return tuple(spans)


def untouched(times_ms: FloatArray, window: Span, spans: Sequence[Span]) -> Mask:
    """Which iterations lie outside all spans: bool of shape (iterations,).

    The iterations follow each other from the window's begin; what lies between two of them is spread evenly.
    """
    total = float(times_ms.sum()) / 1000
    stretch = (window[1] - window[0]) / total if total > 0 else 1.0
    ends = window[0] + np.cumsum(times_ms) / 1000 * stretch
    begins = ends - times_ms / 1000 * stretch
    kept = np.ones(times_ms.size, dtype=np.bool_)
    for begin, end in spans:
        kept &= (ends <= begin) | (begins >= end)
    return kept


def _inside(times: FloatArray, span: Span) -> Mask:
    return (times >= span[0]) & (times <= span[1])

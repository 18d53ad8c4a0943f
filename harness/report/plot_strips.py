"""The chart of latency distributions: for each cell every iteration, process by process, around the cell's median."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from harness.report.digits import significant
from harness.report.method_words import Language
from harness.report.plot_page import Canvas
from harness.report.plot_rows import Line, page_of_rows
from harness.report.plot_style import COLOURS, GRID, INK
from harness.report.plot_words import said

MOST_DOTS = 300
"""Dots of one process; of longer series that many are picked, evenly by time."""
_HEIGHT = 0.62
_LANES = 0.78
"""The share of a row that its lanes take."""
_WIDEST = 3.0
"""How far from the median the axis goes, at most: what is further out stands at its edge as an arrow."""


@dataclass(frozen=True)
class Strip:
    """One cell: the time of every iteration in ms, a tuple for each process; simulated ones are hollow."""

    label: str
    processes: tuple[tuple[float, ...], ...]
    measured: bool = True


@dataclass(frozen=True)
class StripChart:
    """The distributions of several cells."""

    title: str
    subtitle: str
    unit: str
    strips: tuple[Strip, ...]
    footnotes: tuple[str, ...]
    language: Language = "en"


def draw_strips(chart: StripChart) -> Canvas:
    """The page. The axis is relative, so that cells of all batch sizes show their spread; the figures are ms."""
    lines = [Line(strip.label, _figures(chart.language, strip)) for strip in chart.strips]
    canvas, axes = page_of_rows(chart, lines, row_height=_HEIGHT)
    shares = [
        100 * np.concatenate(strip.processes) / np.median(np.concatenate(strip.processes)) for strip in chart.strips
    ]
    low = min(float(each.min()) for each in shares)
    high = min(max(float(each.max()) for each in shares), 100 * _WIDEST)
    margin = max(0.04 * (high - low), 0.5)
    axes.set_xlim(max(0.0, low - margin), high + margin)
    axes.set_xlabel(chart.unit)
    axes.axvline(100, color=GRID, linewidth=1.2, zorder=1)
    for row, strip in enumerate(chart.strips):
        _draw_strip(axes, row, strip, high)
    return canvas


def _draw_strip(axes: Axes, row: int, strip: Strip, high: float) -> None:
    every = np.concatenate(strip.processes)
    median = float(np.median(every))
    lanes = len(strip.processes)
    for lane, times in enumerate(strip.processes):
        y = row + _LANES * ((lane + 0.5) / lanes - 0.5)
        picked = np.asarray(times)[np.linspace(0, len(times) - 1, min(len(times), MOST_DOTS)).round().astype(int)]
        shares = 100 * picked / median
        inside = shares[shares <= high]
        axes.plot(
            inside, np.full(len(inside), y), linestyle="none", marker="o", markersize=3.2, zorder=3, alpha=0.75,
            color=COLOURS[0], markerfacecolor=COLOURS[0] if strip.measured else "white", markeredgewidth=0.7,
            rasterized=True,
        )  # fmt: skip
        if len(inside) < len(shares):
            axes.plot(
                [high], [y], linestyle="none", marker=">", markersize=5, color=COLOURS[1], zorder=4, clip_on=False
            )
    first, last = (100 * float(value) / median for value in np.percentile(every, [25, 75]))
    box = Rectangle(
        (first, row - _LANES / 2),
        max(last - first, 0.0),
        _LANES,
        facecolor="none",
        edgecolor=INK,
        linewidth=1,
        zorder=4,
    )
    axes.add_patch(box)
    axes.plot([100, 100], [row - _LANES / 2, row + _LANES / 2], color=INK, linewidth=2.2, zorder=5)


def _figures(language: Language, strip: Strip) -> str:
    every = np.concatenate(strip.processes)
    median, low, high = (significant(float(v), 3) for v in (np.median(every), every.min(), every.max()))
    return said(language, "median", median=median, low=low, high=high)

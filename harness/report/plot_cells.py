"""The chart of a sweep without a row of batch sizes: one line a cell, its point, its interval and its figures."""

from __future__ import annotations

from matplotlib.axes import Axes

from harness.report.digits import MISSING
from harness.report.plot_axis import interval, measured, set_scale
from harness.report.plot_captions import BETWEEN
from harness.report.plot_page import Canvas
from harness.report.plot_rows import Line, draw_missing, page_of_rows
from harness.report.plot_series import Chart, Point, Series
from harness.report.plot_style import COLOURS, GRID
from harness.report.plot_words import said, status_word

_MARKERS = {"measured": "o", "simulated": "s", "reference": "D"}


def draw_cells(chart: Chart) -> Canvas:
    """The page of a chart by cell."""
    rows = [(series, point) for series in chart.series for point in series.points]
    lines = [
        Line(_label(chart, series, point), _figures(chart, point), point.estimate is None) for series, point in rows
    ]
    canvas, axes = page_of_rows(chart, lines)
    axes.set_xlabel(
        set_scale(axes, "x", measured(chart.series), unit=chart.unit, better=chart.better, language=chart.language)
    )
    for row, (series, point) in enumerate(rows):
        axes.axhline(row, color=GRID, linewidth=0.8, zorder=1)
        if point.estimate is None:
            draw_missing(canvas, axes, row, status_word(chart.language, point.status), COLOURS[1])
        else:
            _draw_cell(axes, row, point, _MARKERS[series.source])
    return canvas


def _label(chart: Chart, series: Series, point: Point) -> str:
    """The series' name, with the batch size where it has several."""
    if len(series.points) == 1:
        return series.label
    return f"{series.label}{BETWEEN}{said(chart.language, 'batch', batchsize=point.batchsize or MISSING)}"


def _figures(chart: Chart, point: Point) -> str:
    """What stands at the end of a row: the figures, and how the cell ended where that was not well."""
    if point.estimate is None:
        return MISSING
    return point.figures + (f" ({status_word(chart.language, point.status)})" if point.status != "ok" else "")


def _draw_cell(axes: Axes, row: int, point: Point, marker: str) -> None:
    """The point on its interval, hollow where it was not measured."""
    assert point.estimate is not None
    colour = COLOURS[0]
    bar = interval(point.estimate, axes.get_xlim()[0] / 2)
    if bar is not None:
        axes.plot(bar, [row, row], color=colour, linewidth=1.4, marker="|", markersize=13, markeredgewidth=1.4)
    axes.plot(
        [point.estimate.mean], [row], marker=marker, markersize=7, color=colour, markeredgewidth=1.5,
        markerfacecolor=colour if marker == _MARKERS["measured"] else "white", zorder=3,
    )  # fmt: skip

"""The chart of a sweep without a row of batch sizes: one line a cell, its point, its interval and its figures."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.transforms import offset_copy

from harness.report.digits import MISSING, figure
from harness.report.plot_axis import interval, measured, set_scale
from harness.report.plot_page import EDGE, WIDTH, Canvas, Ruler
from harness.report.plot_series import Chart, Point, Series
from harness.report.plot_style import BODY, COLOURS, FAINT, GRID, INK

_ROW, _LEAST, _LINE = 0.36, 1.2, 0.17
_TICKS = 0.55
_LABEL_ROOM = 3.0
_GAP = 0.15
_MARKERS = {"measured": "o", "simulated": "s", "reference": "D"}


def draw_cells(chart: Chart, better: str) -> bytes:
    """The PNG of a chart by cell; ``better`` is the word for the good end of the axis: higher or lower."""
    rows = [(series, point) for series in chart.series for point in series.points]
    ruler = Ruler()
    labels = [ruler.wrapped(_label(series, point), _LABEL_ROOM, BODY) for series, point in rows]
    figures = [_figures(point) for _, point in rows]
    row_height = max(_ROW, 0.08 + _LINE * max(map(len, labels)))
    canvas = Canvas(chart, max(_LEAST, row_height * len(rows)) + _TICKS, ruler)
    left = EDGE + max(ruler.extent(line, BODY) for lines in labels for line in lines) + _GAP
    right = WIDTH - EDGE - max(ruler.extent(words, BODY) for words in figures) - _GAP
    axes = canvas.figure.add_axes(canvas.rectangle(left, canvas.bottom + _TICKS, right, canvas.top))
    axes.set_xlabel(set_scale(axes, "x", measured(chart.series), chart.unit, better))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), ["\n".join(lines) for lines in labels])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    end = offset_copy(axes.get_yaxis_transform(), canvas.figure, x=72 * _GAP, units="points")
    for row, (series, point) in enumerate(rows):
        axes.axhline(row, color=GRID, linewidth=0.8, zorder=1)
        _draw_cell(canvas, axes, row, point, _MARKERS[series.source])
        colour = FAINT if point.estimate is None else INK
        axes.text(1, row, figures[row], va="center_baseline", fontsize=BODY, color=colour, transform=end)
    return canvas.png()


def _label(series: Series, point: Point) -> str:
    """The series' name, with the batch size where it has several."""
    return series.label if len(series.points) == 1 else f"{series.label} · batch size {point.batchsize or MISSING}"


def _figures(point: Point) -> str:
    """What stands at the end of a row: the figures, and how the cell ended where that was not well."""
    if point.estimate is None:
        return MISSING
    return figure(point.estimate) + (f" ({point.status})" if point.status != "ok" else "")


def _draw_cell(canvas: Canvas, axes: Axes, row: int, point: Point, marker: str) -> None:
    """The point on its interval, hollow where it was not measured; a cross and a word where there is none."""
    colour = COLOURS[0]
    if point.estimate is None:
        colour = COLOURS[1]
        inside = offset_copy(axes.get_yaxis_transform(), canvas.figure, x=9, units="points")
        beside = offset_copy(axes.get_yaxis_transform(), canvas.figure, x=19, units="points")
        axes.plot([0], [row], marker="x", markersize=7, markeredgewidth=1.8, color=colour, transform=inside)
        axes.text(0, row, point.status, fontsize=BODY, color=colour, va="center_baseline", transform=beside)
        return
    bar = interval(point.estimate, axes.get_xlim()[0] / 2)
    if bar is not None:
        axes.plot(bar, [row, row], color=colour, linewidth=1.4, marker="|", markersize=13, markeredgewidth=1.4)
    axes.plot(
        [point.estimate.mean], [row], marker=marker, markersize=7, color=colour, markeredgewidth=1.5,
        markerfacecolor=colour if marker == _MARKERS["measured"] else "white", zorder=3,
    )  # fmt: skip

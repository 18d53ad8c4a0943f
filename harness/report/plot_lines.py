"""The chart of a sweep over batch sizes: a line a series, broken where a cell has no figure, with bars and figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from matplotlib.axes import Axes
from matplotlib.transforms import offset_copy

from harness.report.plot_axis import interval, measured, set_scale
from harness.report.plot_names import LABEL_ROOM, ROW, Drawn, draw_gaps, name_series, names_width
from harness.report.plot_page import DOTS_PER_INCH, EDGE, SMALL, WIDTH, Box, Canvas, Ruler
from harness.report.plot_series import Chart, Point
from harness.report.plot_style import FAINT, marks
from harness.report.plot_words import said

_LEFT = 0.9
_TICKS = 0.52
_UNIT = 0.3
_MOST_VALUES = 24
"""Points whose figures are written beside them; with more, the table is the place to look."""
_APART, _FURTHEST = 4.0, 18.0
"""How far series stand beside each other at one batch size, in points, so that their intervals can be told apart."""
_PLACES = (
    (0, 9, "center", "bottom"), (0, -9, "center", "top"), (9, 5, "left", "bottom"), (9, -5, "left", "top"),
    (-9, 5, "right", "bottom"), (-9, -5, "right", "top"),
)  # fmt: skip
"""Where a figure may stand beside its point, best first: offset in points, and which of its sides is there."""


def draw_lines(chart: Chart) -> Canvas:
    """The page of a chart over batch sizes."""
    gaps = [series for series in chart.series if any(point.estimate is None for point in series.points)]
    plot_height = max(3.2, 0.26 * len(chart.series))
    strip_height = ROW * len(gaps) + (0.1 if gaps else 0)
    ruler = Ruler()
    canvas = Canvas(chart, _UNIT + plot_height + strip_height + _TICKS, ruler)
    labels = {series.label: ruler.wrapped(series.label, LABEL_ROOM, SMALL) for series in chart.series}
    right = WIDTH - EDGE - names_width(ruler, labels)
    floor = canvas.bottom + _TICKS
    plot = canvas.figure.add_axes(canvas.rectangle(_LEFT, floor + strip_height, right, canvas.top - _UNIT))
    drawn = [
        Drawn(series, style, shift)
        for series, style, shift in zip(chart.series, marks(chart.series), _shifts(len(chart.series)), strict=True)
    ]
    name = set_scale(plot, "y", measured(chart.series), unit=chart.unit, better=chart.better, language=chart.language)
    canvas.write(name, EDGE, canvas.top, size=SMALL, color=FAINT, va="top")
    plot.grid(axis="y")
    _batch_axis(plot, chart, named=not gaps)
    for each in drawn:
        _draw_series(canvas, plot, each)
    name_series(canvas, plot, [each for each in drawn if measured([each.series])], labels, right)
    _write_figures(canvas, plot, drawn)
    if gaps:
        strip = canvas.figure.add_axes(canvas.rectangle(_LEFT, floor, right, floor + strip_height))
        _batch_axis(strip, chart, named=True)
        draw_gaps(
            canvas, strip, [each for each in drawn if each.series in gaps], labels, right, language=chart.language
        )
    return canvas


def _shifts(series: int) -> list[float]:
    """How far to the right each series is drawn, in points: around the middle, closer together where they are many."""
    apart = min(_APART, _FURTHEST / series)
    return [(index - (series - 1) / 2) * apart for index in range(series)]


def _batch_axis(axes: Axes, chart: Chart, *, named: bool) -> None:
    """Batch sizes at the place of their logarithm, each with its number."""
    batchsizes = chart.batchsizes
    places = [math.log2(batchsize) for batchsize in batchsizes]
    margin = 0.08 * (places[-1] - places[0])
    axes.set_xlim(places[0] - margin, places[-1] + margin)
    axes.set_xticks(places, [str(batchsize) for batchsize in batchsizes] if named else [])
    axes.tick_params(axis="x", length=3 if named else 0)
    if named:
        axes.set_xlabel(said(chart.language, "batchsize"))


def _draw_series(canvas: Canvas, axes: Axes, drawn: Drawn) -> None:
    """The line, broken where a cell has no figure, the markers, and the bars of the intervals."""
    style = drawn.marks
    transform = offset_copy(axes.transData, canvas.figure, x=drawn.shift, units="points")
    for run in _runs(drawn.series.points):
        x = [math.log2(point.batchsize or 1) for point in run]
        y = [point.estimate.mean for point in run if point.estimate]
        axes.plot(
            x, y, color=style.colour, linestyle=style.dashes, linewidth=1.8, marker=style.marker, markersize=6.5,
            markerfacecolor=style.face, markeredgewidth=1.4, transform=transform, zorder=3,
        )  # fmt: skip
        drawn.end = _pixels(axes, drawn, run[-1])
        for place, point in zip(x, run, strict=True):
            bar = interval(point.estimate, axes.get_ylim()[0] / 2) if point.estimate else None
            if bar is not None:
                axes.plot(
                    [place, place], bar, color=style.colour, linewidth=1.2, marker="_", markersize=9,
                    markeredgewidth=1.2, transform=transform, zorder=2,
                )  # fmt: skip


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """The stretches of points that have a figure."""
    for has_figure, run in groupby(points, key=lambda point: point.estimate is not None):
        if has_figure:
            yield list(run)


def _write_figures(canvas: Canvas, axes: Axes, drawn: Sequence[Drawn]) -> None:
    """The figures beside their points, where they cover no point, line, name or other figure."""
    points = [(each, point) for each in drawn for point in each.series.points if point.estimate]
    if len(points) > _MOST_VALUES:
        return
    taken = [_box(*_pixels(axes, each, point), 9) for each, point in points]
    taken += [box for each in drawn for box in _covered(axes, each)]
    for each, point in points:
        assert point.estimate is not None
        text = point.figures
        words = text if len(drawn) == 1 else text.partition(" ")[0]
        for right, up, horizontal, vertical in _PLACES:
            artist = axes.annotate(
                words, (math.log2(point.batchsize or 1), point.estimate.mean), (right + each.shift, up),
                textcoords="offset points", ha=horizontal, va=vertical, fontsize=SMALL, color=each.marks.colour,
                zorder=4,
            )  # fmt: skip
            box = canvas.box(artist)
            inside = axes.bbox.y0 <= box.bottom and box.top <= axes.bbox.y1 + 15
            if inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            artist.remove()


def _covered(axes: Axes, drawn: Drawn) -> Iterator[Box]:
    """Small boxes along a series' lines, its bars and the line to its name included, in pixels."""
    runs = list(_runs(drawn.series.points))
    lines = [pair for run in runs for pair in pairwise(_pixels(axes, drawn, point) for point in run)]
    for point in (point for run in runs for point in run):
        bar = interval(point.estimate, axes.get_ylim()[0] / 2) if point.estimate else None
        if bar is not None:
            x = _pixels(axes, drawn, point)[0]
            low, high = (float(axes.transData.transform((0, end))[1]) for end in bar)
            lines.append(((x, low), (x, min(high, axes.bbox.y1))))
    if measured([drawn.series]):
        lines.append((drawn.end, (axes.bbox.x1 + 9, drawn.name_y * DOTS_PER_INCH)))
    for (x0, y0), (x1, y1) in lines:
        for step in range(1, 32):
            yield _box(x0 + (x1 - x0) * step / 32, y0 + (y1 - y0) * step / 32, 2)


def _pixels(axes: Axes, drawn: Drawn, point: Point) -> tuple[float, float]:
    """Where a point is drawn."""
    assert point.estimate is not None
    x, y = axes.transData.transform((math.log2(point.batchsize or 1), point.estimate.mean))
    return float(x) + drawn.shift * DOTS_PER_INCH / 72, float(y)


def _box(x: float, y: float, size: float) -> Box:
    return Box(x - size, y - size, x + size, y + size)

"""The chart of accuracy against throughput: a point a cell, a line a series, a line across for what was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from harness.records.schema import Estimate, Source
from harness.report.method_words import Language
from harness.report.plot_axis import interval, set_scale
from harness.report.plot_names import LABEL_ROOM, Drawn, name_series, names_width
from harness.report.plot_page import DOTS_PER_INCH, EDGE, SMALL, WIDTH, Box, Canvas, Ruler
from harness.report.plot_series import Series
from harness.report.plot_style import FAINT, marks

_LEFT, _TICKS, _UNIT, _HEIGHT = 0.9, 0.52, 0.3, 3.4
_PLACES = ((0, 8, "center", "bottom"), (0, -8, "center", "top"), (8, 0, "left", "center"), (-8, 0, "right", "center"))


@dataclass(frozen=True)
class Spot:
    """A cell: what is written beside its point, throughput in samples/s, accuracy in per cent."""

    words: str
    throughput: Estimate
    accuracy: float


@dataclass(frozen=True)
class Cloud:
    """The cells of one series, by batch size."""

    label: str
    source: Source
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class Across:
    """A line across the chart: an accuracy in per cent that has no throughput."""

    label: str
    accuracy: float


@dataclass(frozen=True)
class TradeChart:
    """Accuracy (per cent) over throughput (samples/s)."""

    title: str
    subtitle: str
    unit: str
    accuracy_unit: str
    clouds: tuple[Cloud, ...]
    across: tuple[Across, ...]
    footnotes: tuple[str, ...]
    language: Language = "en"


def draw_trade(chart: TradeChart) -> Canvas:
    """The page; the axis of the accuracy does not begin at zero, that of the throughput does unless logarithmic."""
    ruler = Ruler()
    canvas = Canvas(chart, _UNIT + _HEIGHT + _TICKS, ruler)
    labels = {cloud.label: ruler.wrapped(cloud.label, LABEL_ROOM, SMALL) for cloud in chart.clouds}
    right = WIDTH - EDGE - names_width(ruler, labels)
    axes = canvas.figure.add_axes(canvas.rectangle(_LEFT, canvas.bottom + _TICKS, right, canvas.top - _UNIT))
    series = [Series(cloud.label, cloud.source, ()) for cloud in chart.clouds]
    estimates = [spot.throughput for cloud in chart.clouds for spot in cloud.spots]
    axes.set_xlabel(set_scale(axes, "x", estimates, unit=chart.unit, better="higher", language=chart.language))
    _accuracy_axis(axes, chart)
    canvas.write(chart.accuracy_unit, EDGE, canvas.top, size=SMALL, color=FAINT, va="top")
    axes.grid(axis="both")
    drawn = [Drawn(each, style, 0.0) for each, style in zip(series, marks(series), strict=True)]
    for cloud, each in zip(chart.clouds, drawn, strict=True):
        _draw_cloud(axes, cloud, each)
    taken = _draw_across(canvas, axes, chart.across)
    name_series(canvas, axes, drawn, labels, right)
    taken += [_box(axes, spot, 6) for cloud in chart.clouds for spot in cloud.spots]
    for cloud, each in zip(chart.clouds, drawn, strict=True):
        _write_words(canvas, axes, cloud, each, taken)
    return canvas


def _accuracy_axis(axes: Axes, chart: TradeChart) -> None:
    """Around the accuracies with room for texts; half a point at least, so that noise does not look like a cliff."""
    values = [spot.accuracy for cloud in chart.clouds for spot in cloud.spots] + [
        each.accuracy for each in chart.across
    ]
    middle, half = (min(values) + max(values)) / 2, max((max(values) - min(values)) / 2 * 1.35, 0.5)
    axes.set_ylim(middle - half, middle + half)


def _draw_cloud(axes: Axes, cloud: Cloud, drawn: Drawn) -> None:
    style = drawn.marks
    axes.plot(
        [spot.throughput.mean for spot in cloud.spots], [spot.accuracy for spot in cloud.spots], color=style.colour,
        linestyle=style.dashes, linewidth=1.2, marker=style.marker, markersize=7, markerfacecolor=style.face,
        markeredgewidth=1.4, zorder=3,
    )  # fmt: skip
    for spot in cloud.spots:
        bar = interval(spot.throughput, axes.get_xlim()[0] / 2)
        if bar is not None:
            axes.plot(bar, [spot.accuracy] * 2, color=style.colour, linewidth=1.2, marker="|", markersize=9, zorder=2)
    last = cloud.spots[-1]
    x, y = axes.transData.transform((last.throughput.mean, last.accuracy))
    drawn.end = (float(x), float(y))


def _draw_across(canvas: Canvas, axes: Axes, across: Sequence[Across]) -> list[Box]:
    """The lines with their names at the left end; equal ones share a line."""
    boxes: list[Box] = []
    for each in across:
        axes.axhline(each.accuracy, color=FAINT, linewidth=1, linestyle=(0, (5, 3)), zorder=1)
        for x, side in ((0.01, "left"), (0.5, "center")):
            text = axes.annotate(
                each.label, (x, each.accuracy), xycoords=axes.get_yaxis_transform(), xytext=(0, 3),
                textcoords="offset points", ha=side, va="bottom", fontsize=SMALL, color=FAINT,
            )  # fmt: skip
            box = canvas.box(text)
            if not any(box.overlaps(other) for other in boxes):
                boxes.append(box)
                break
            text.remove()
    return boxes


def _write_words(canvas: Canvas, axes: Axes, cloud: Cloud, drawn: Drawn, taken: list[Box]) -> None:
    """What each point is, where there is room beside it."""
    for spot in cloud.spots:
        for right, up, horizontal, vertical in _PLACES:
            text = axes.annotate(
                spot.words, (spot.throughput.mean, spot.accuracy), xytext=(right, up), textcoords="offset points",
                ha=horizontal, va=vertical, fontsize=SMALL, color=drawn.marks.colour, zorder=4,
            )  # fmt: skip
            box = canvas.box(text)
            if not any(box.overlaps(other) for other in taken) and axes.bbox.y0 < box.bottom and box.top < axes.bbox.y1:
                taken.append(box)
                break
            text.remove()


def _box(axes: Axes, spot: Spot, size: float) -> Box:
    x, y = axes.transData.transform((spot.throughput.mean, spot.accuracy))
    size *= DOTS_PER_INCH / 72
    return Box(float(x) - size, float(y) - size, float(x) + size, float(y) + size)

"""What stands beside and below the lines of a chart: the name of each series, and the cells without a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from harness.report.method_words import Language
from harness.report.plot_page import DOTS_PER_INCH, SMALL, WIDTH, Canvas, Ruler
from harness.report.plot_series import Series
from harness.report.plot_style import FAINT, Marks
from harness.report.plot_words import said, status_word

ROW = 0.36
"""Height of a series' row below the lines, in inches."""
LABEL_ROOM = 2.6
"""Width of a name before it is broken, in inches."""
_KEY, _GAP = 0.46, 0.14
_LINE = 0.15

Lines = Mapping[str, Sequence[str]]


@dataclass
class Drawn:
    """A series with what it is drawn with, how far to the right (points), and how high its name stands (inches).

    ``end`` is where its last point is drawn, in pixels.
    """

    series: Series
    marks: Marks
    shift: float
    name_y: float = 0.0
    end: tuple[float, float] = (0.0, 0.0)


def names_width(ruler: Ruler, labels: Lines) -> float:
    """The room that the names need at the right of the lines, in inches."""
    return _GAP + _KEY + max(ruler.extent(line, SMALL) for lines in labels.values() for line in lines)


def name_series(canvas: Canvas, axes: Axes, drawn: Sequence[Drawn], labels: Lines, right: float) -> None:
    """Every series' name at the right, as near to its last point as the others allow, with a line to that point."""
    ends = sorted(((each.end, each) for each in drawn), key=lambda item: item[0][1])
    heights = [0.05 + _LINE * len(labels[each.series.label]) for _, each in ends]
    low, high = float(axes.bbox.y0) / DOTS_PER_INCH + 0.1, canvas.top
    places = spread([y / DOTS_PER_INCH for (_, y), _ in ends], heights, low, high)
    for ((x, y), each), place in zip(ends, places, strict=True):
        each.name_y = place
        _write_name(canvas, each, labels, right, place)
        canvas.figure.add_artist(
            Line2D(
                [(x / DOTS_PER_INCH + 0.1) / WIDTH, (right + _GAP - 0.05) / WIDTH],
                [y / DOTS_PER_INCH / canvas.height, place / canvas.height],
                color=each.marks.colour, linewidth=0.7, linestyle=(0, (1, 2)),
            )
        )  # fmt: skip


def draw_gaps(
    canvas: Canvas, axes: Axes, drawn: Sequence[Drawn], labels: Lines, right: float, *, language: Language
) -> None:
    """One row a series: a cross at every batch size without a figure, and how the cell ended."""
    axes.set_ylim(len(drawn) - 0.25, -0.35)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for row, each in enumerate(drawn):
        colour = each.marks.colour
        written = -math.inf
        for point in each.series.points:
            if point.estimate is None:
                x = math.log2(point.batchsize or 1)
                axes.plot([x], [row], marker="x", markersize=6, markeredgewidth=1.6, color=colour)
                word = status_word(language, point.status)
                text = axes.text(x, row + 0.22, word, ha="center", va="top", fontsize=SMALL, color=colour)
                box = canvas.box(text)
                if box.left < written:  # the same word stands close by, most likely
                    text.remove()
                else:
                    written = box.right
        y = float(axes.transData.transform((0, row + 0.2))[1]) / DOTS_PER_INCH
        _write_name(canvas, each, labels, right, y)
    left, middle = (float(v) / DOTS_PER_INCH for v in axes.transAxes.transform((0, 0.5)))
    canvas.write(said(language, "gap"), left - 0.1, middle, size=SMALL, ha="right", va="center", color=FAINT)


def spread(wanted: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Places near the wanted ones, which ascend, so far apart that things of these heights do not overlap.

    They stay above ``low``, and below ``high`` as long as there is room.
    """
    places: list[float] = []
    for place, height in zip(wanted, heights, strict=True):
        least = places[-1] + (heights[len(places) - 1] + height) / 2 if places else low
        places.append(max(place, least))
    limit = max(high, low + sum(heights) - (heights[0] + heights[-1]) / 2) if places else high
    for index in range(len(places) - 1, -1, -1):
        places[index] = min(places[index], limit)
        limit = places[index] - (heights[index] + heights[index - 1]) / 2
    return places


def _write_name(canvas: Canvas, drawn: Drawn, labels: Lines, right: float, y: float) -> None:
    """A piece of the series' line with its marker, and its name."""
    style, left = drawn.marks, right + _GAP
    canvas.figure.add_artist(
        Line2D(
            [left / WIDTH, (left + _KEY / 2 - 0.04) / WIDTH, (left + _KEY - 0.08) / WIDTH], [y / canvas.height] * 3,
            color=style.colour, linestyle=style.dashes, linewidth=1.6, marker=style.marker, markevery=[1],
            markersize=5.5, markerfacecolor=style.face, markeredgewidth=1.3,
        )
    )  # fmt: skip
    text = "\n".join(labels[drawn.series.label])
    canvas.write(text, left + _KEY, y, size=SMALL, va="center_baseline", color=style.colour)

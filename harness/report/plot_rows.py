"""The page of a chart with a row for each thing: its name at the left, the axis, and its figures at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.transforms import offset_copy

from harness.report.plot_captions import Captioned
from harness.report.plot_page import EDGE, WIDTH, Canvas, Ruler
from harness.report.plot_style import BODY, FAINT, INK

_ROW, _LEAST, _LINE = 0.36, 1.2, 0.17
_TICKS = 0.55
_LABEL_ROOM = 3.0
_GAP = 0.15


@dataclass(frozen=True)
class Line:
    """One row's name and the figures at its end; ``faint`` where it has none."""

    label: str
    figures: str
    faint: bool = False


def page_of_rows(
    chart: Captioned, lines: Sequence[Line], *, row_height: float = _ROW, head: float = 0.0
) -> tuple[Canvas, Axes]:
    """The page and its axes, in which row ``i`` stands at y = i, from the top; ``row_height`` in inches is the least.

    ``head`` inches above the axes stay free, for a legend.
    """
    ruler = Ruler()
    labels = [ruler.wrapped(line.label, _LABEL_ROOM, BODY) for line in lines]
    height = max(row_height, 0.08 + _LINE * max(map(len, labels)))
    canvas = Canvas(chart, max(_LEAST, height * len(lines)) + _TICKS + head, ruler)
    left = EDGE + max(ruler.extent(part, BODY) for parts in labels for part in parts) + _GAP
    right = WIDTH - EDGE - max(ruler.extent(line.figures, BODY) for line in lines) - _GAP
    axes = canvas.figure.add_axes(canvas.rectangle(left, canvas.bottom + _TICKS, right, canvas.top - head))
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks(range(len(lines)), ["\n".join(parts) for parts in labels])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    end = offset_copy(axes.get_yaxis_transform(), canvas.figure, x=72 * _GAP, units="points")
    for row, line in enumerate(lines):
        colour = FAINT if line.faint else INK
        axes.text(1, row, line.figures, va="center_baseline", fontsize=BODY, color=colour, transform=end)
    return canvas, axes


def draw_missing(canvas: Canvas, axes: Axes, row: int, words: str, colour: str) -> None:
    """A cross and a word at the beginning of a row that has no figure."""
    inside = offset_copy(axes.get_yaxis_transform(), canvas.figure, x=9, units="points")
    beside = offset_copy(axes.get_yaxis_transform(), canvas.figure, x=19, units="points")
    axes.plot([0], [row], marker="x", markersize=7, markeredgewidth=1.8, color=colour, transform=inside)
    axes.text(0, row, words, fontsize=BODY, color=colour, va="center_baseline", transform=beside)

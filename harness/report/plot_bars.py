"""Charts of bars, a row each: ratios of throughputs with their intervals, and what the time of a sample consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from harness.records.schema import Estimate
from harness.report.digits import significant
from harness.report.method_words import Language
from harness.report.plot_axis import interval, set_scale
from harness.report.plot_page import SMALL, Canvas
from harness.report.plot_rows import Line, draw_missing, page_of_rows
from harness.report.plot_style import COLOURS, FAINT, INK
from harness.report.plot_words import said

_THICK = 0.56
_HEAD = 0.3
_NARROW = 0.02
"""Parts below this share of the longest bar have no figure in them."""
HATCHES = {"h2d": "////", "compute": "", "d2h": "\\\\\\\\"}
_FILLS = {"h2d": "#cfe3f1", "compute": COLOURS[0], "d2h": "#f3d3bd"}


@dataclass(frozen=True)
class RatioBar:
    """A ratio with its interval and the figures that it is made of; ``measured`` if both sides were, ``best`` if best.

    ``ratio`` is None where a side has no figure.
    """

    label: str
    ratio: Estimate | None
    figures: str
    measured: bool = True
    best: bool = False


@dataclass(frozen=True)
class RatioChart:
    """Ratios of a target to a baseline."""

    title: str
    subtitle: str
    unit: str
    bars: tuple[RatioBar, ...]
    footnotes: tuple[str, ...]
    language: Language = "en"


@dataclass(frozen=True)
class Stack:
    """One cell: ``parts`` maps ``h2d``, ``compute`` and ``d2h`` to mean ms a sample, as far as they are known."""

    label: str
    parts: tuple[tuple[str, float], ...]
    measured: bool = True

    @property
    def total(self) -> float:
        """The sum of the parts."""
        return sum(value for _, value in self.parts)


@dataclass(frozen=True)
class StackChart:
    """What the time of one sample consists of, cell by cell."""

    title: str
    subtitle: str
    unit: str
    stacks: tuple[Stack, ...]
    footnotes: tuple[str, ...] = field(default=())
    language: Language = "en"


def draw_ratios(chart: RatioChart) -> Canvas:
    """The page: a bar a batch size, the best one apart, hollow and hatched where a side was not measured here."""
    lines = [Line(bar.label, bar.figures, bar.ratio is None) for bar in chart.bars]
    canvas, axes = page_of_rows(chart, lines, head=_HEAD)
    known = [bar.ratio for bar in chart.bars if bar.ratio is not None]
    axes.set_xlabel(set_scale(axes, "x", known, unit=chart.unit, better="higher", language=chart.language))
    low, high = axes.get_xlim()
    axes.set_xlim(low, max(high, 1.1))
    axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=4)
    axes.annotate(
        said(chart.language, "equal"), (1, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 4),
        textcoords="offset points", ha="center", va="bottom", fontsize=SMALL, color=FAINT,
    )  # fmt: skip
    for row, bar in enumerate(chart.bars):
        if bar.ratio is None:
            draw_missing(canvas, axes, row, said(chart.language, "gap"), COLOURS[1])
            continue
        colour = COLOURS[2] if bar.best else COLOURS[0]
        axes.barh(
            row, bar.ratio.mean, height=_THICK, left=max(0, low), zorder=2, edgecolor=colour, linewidth=1.2,
            facecolor=colour if bar.measured else "white", hatch=None if bar.measured else "///",
        )  # fmt: skip
        ends = interval(bar.ratio, low / 2)
        if ends is not None:
            axes.plot(ends, [row, row], color=INK, linewidth=1.4, marker="|", markersize=10, zorder=5)
    return canvas


def draw_stacks(chart: StackChart) -> Canvas:
    """The page: a bar a cell from zero, its parts told apart by hatching and named above."""
    lines = [Line(stack.label, significant(stack.total, 3)) for stack in chart.stacks]
    canvas, axes = page_of_rows(chart, lines, head=_HEAD)
    longest = max(stack.total for stack in chart.stacks)
    axes.set_xlim(0, longest * 1.04)
    axes.set_xlabel(said(chart.language, "lower", unit=chart.unit))
    for row, stack in enumerate(chart.stacks):
        _draw_stack(axes, row, stack, longest)
    present = [name for name in HATCHES if any(name in dict(stack.parts) for stack in chart.stacks)]
    axes.legend(
        handles=[_patch(name, said(chart.language, f"parts_{name}")) for name in present],
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(present), frameon=False, fontsize=SMALL,
        borderaxespad=0.2, handlelength=2.2,
    )  # fmt: skip
    return canvas


def _draw_stack(axes: Axes, row: int, stack: Stack, longest: float) -> None:
    starts = accumulate([0.0, *(value for _, value in stack.parts)])
    for (name, value), start in zip(stack.parts, starts, strict=False):
        axes.barh(
            row, value, left=start, height=_THICK, facecolor=_FILLS[name], hatch=HATCHES[name], edgecolor=INK,
            linewidth=0.8 if stack.measured else 1.2, linestyle="-" if stack.measured else (0, (3, 2)), zorder=2,
        )  # fmt: skip
        if name == "compute" and value > longest * 5 * _NARROW:
            axes.text(
                start + value / 2, row, significant(value, 3), ha="center", va="center_baseline", fontsize=SMALL,
                color="white", zorder=3,
            )  # fmt: skip


def _patch(name: str, label: str) -> Patch:
    return Patch(facecolor=_FILLS[name], hatch=HATCHES[name], edgecolor=INK, linewidth=0.8, label=label)

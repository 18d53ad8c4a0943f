"""How charts look: fonts, and marks that differ without colour.

Nothing here touches pyplot, which keeps a list of figures and picks a display; matplotlib's settings are changed inside
:func:`style` alone and put back after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager

from harness.report.plot_series import Chart, Series

BODY = 9.5
"""Size of a text that nothing else is said of, in points."""
INK, FAINT, GRID = "#1a1a1a", "#595959", "#e4e4e4"

COLOURS = ("#0072b2", "#c04f00", "#00785a", "#8e3f86", "#333333", "#8a5a00", "#2380a8")
"""Okabe and Ito's palette for all kinds of colour vision (jfly.uni-koeln.de/color), darkened until text in it reads."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0, ()), (0, (6, 2)), (0, (6, 2, 1.2, 2)), (0, (1.2, 1.6)), (0, (10, 3)), (0, (4, 1.4, 1.2, 1.4, 1.2, 1.4)),
)  # fmt: skip

_LATIN = "DejaVu Sans"
"""Comes with matplotlib."""
_OTHERS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "AR PL UMing CN", "Microsoft YaHei", "SimHei",
    "PingFang SC", "Hiragino Sans GB", "Arial Unicode MS", "Noto Sans Symbols2",
)  # fmt: skip
"""Fonts with Chinese or rare characters that common systems have; those that are not there are not asked for."""


@dataclass(frozen=True)
class Marks:
    """What one series is drawn with; simulated and reference ones are hollow."""

    colour: str
    marker: str
    dashes: tuple[float, tuple[float, ...]]
    hollow: bool

    @property
    def face(self) -> str:
        """The colour inside the marker."""
        return "white" if self.hollow else self.colour


def marks(series: Sequence[Series]) -> list[Marks]:
    """The marks of every series, by its place: up to 48 series, no two share both marker and dashes."""
    return [
        Marks(
            COLOURS[index % len(COLOURS)],
            MARKERS[index % len(MARKERS)],
            DASHES[(index % len(MARKERS) + index // len(MARKERS)) % len(DASHES)],
            each.source != "measured",
        )
        for index, each in enumerate(series)
    ]


@contextmanager
def style() -> Iterator[None]:
    """The look of every chart, whatever the user's matplotlibrc says; text is never taken for mathematics."""
    own: Any = {
        "font.family": font_families(),
        "font.size": BODY,
        "text.parse_math": False,
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.unicode_minus": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.linewidth": 0.8,
        "grid.color": GRID,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.minor.size": 0,
        "ytick.minor.size": 0,
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(own)
        yield


def font_families() -> list[str]:
    """The fonts of this machine that texts are set in; a character comes from the first one that has it."""
    here = {font.name for font in font_manager.fontManager.ttflist}
    return [_LATIN, *(name for name in _OTHERS if name in here)]


def readable(chart: Chart) -> Chart:
    """The chart with every character that no font here has written as its code, and a footnote that says so.

    matplotlib would draw an empty box in its place.
    """
    fonts = [font_manager.get_font(font_manager.findfont(name)) for name in font_families()]
    missing: set[str] = set()

    def spelt(text: str) -> str:
        unknown = {c for c in text if not any(font.get_char_index(ord(c)) for font in fonts)}
        missing.update(unknown)
        return "".join(c.encode("unicode_escape").decode() if c in unknown else c for c in text)

    shown = replace(
        chart,
        title=spelt(chart.title),
        subtitle=spelt(chart.subtitle),
        series=tuple(replace(series, label=spelt(series.label)) for series in chart.series),
        footnotes=tuple(map(spelt, chart.footnotes)),
    )
    if missing:
        note = f"\\u...: {len(missing)} characters that no font here has; fonts-noto-cjk has Chinese ones."
        shown = replace(shown, footnotes=(note, *shown.footnotes))
    return shown

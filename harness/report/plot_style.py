"""How charts look: fonts, and marks that differ without colour.

Nothing here touches pyplot, which keeps a list of figures and picks a display; matplotlib's settings are changed inside
:func:`style` alone and put back after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import matplotlib as mpl
from matplotlib import font_manager

from harness.report.method_words import Language
from harness.report.plot_captions import Captioned
from harness.report.plot_series import Series
from harness.report.plot_words import said

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
FONTS = Path(__file__).with_name("fonts")
SHIPPED = "Harness CJK"
"""The family of the fonts there, which hold the characters of the project's own Chinese words and no others."""
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
def style(families: Sequence[str] = ()) -> Iterator[None]:
    """The look of every chart, whatever the user's matplotlibrc says; text is never taken for mathematics.

    ``families`` are the fonts, if not all that are at hand: matplotlib asks every one for every text.
    """
    own: Any = {
        "font.family": list(families) or font_families(),
        "font.size": BODY,
        "text.parse_math": False,
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.unicode_minus": False,
        "svg.fonttype": "path",
        "svg.hashsalt": SHIPPED,
        "hatch.linewidth": 0.8,
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
    """The fonts that texts are set in; a character comes from the first one that has it.

    The shipped one stands before those of the machine, so that the project's own words look the same everywhere.
    """
    here = {font.name for font in font_manager.fontManager.ttflist}
    if SHIPPED not in here:
        for file in sorted(FONTS.glob("*.otf")):
            font_manager.fontManager.addfont(file)
    return [_LATIN, SHIPPED, *(name for name in _OTHERS if name in here)]


def needed_families(chart: Captioned, language: Language) -> list[str]:
    """Of the fonts that texts are set in those that this chart needs."""
    latin, shipped, *others = font_families()
    kept = [latin, shipped] if language == "zh" else [latin]
    unset = _beyond(set(_characters(chart)), kept)
    for name in [shipped, *others]:
        left = _beyond(unset, [name])
        if name not in kept and left != unset:
            kept.append(name)
        unset = left
    return kept


def _beyond(characters: set[str], families: Sequence[str]) -> set[str]:
    """The characters that none of the fonts has."""
    fonts = [font_manager.get_font(font_manager.findfont(name)) for name in families]
    return {c for c in characters if not any(font.get_char_index(ord(c)) for font in fonts)}


def _characters(value: Any) -> Iterator[str]:
    """All characters of the texts of a chart."""
    if isinstance(value, str):
        yield from value
    elif isinstance(value, tuple):
        for each in value:
            yield from _characters(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _characters(getattr(value, field.name))


Captioning = TypeVar("Captioning", bound=Captioned)


def readable(chart: Captioning, language: Language = "en") -> Captioning:
    """The chart with every character that no font here has written as its code, and a footnote that says so.

    matplotlib would draw an empty box in its place.
    """
    missing = _beyond(set(_characters(chart)), font_families())
    if not missing:
        return chart

    def spelt(text: str) -> str:
        return "".join(c.encode("unicode_escape").decode() if c in missing else c for c in text)

    def all_spelt(value: Any) -> Any:
        if isinstance(value, str):
            return spelt(value)
        if isinstance(value, tuple):
            return tuple(map(all_spelt, value))
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{each.name: all_spelt(getattr(value, each.name)) for each in fields(value)})
        return value

    shown: Any = all_spelt(chart)
    shown = replace(shown, footnotes=(said(language, "no_font", count=len(missing)), *shown.footnotes))
    return cast("Captioning", shown)

"""The page that a chart is drawn on: title, subtitle and small print around it, texts measured before they are placed.

Lengths are inches, font sizes points.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from harness.report.plot_captions import Captioned
from harness.report.plot_style import FAINT

WIDTH = 9.0
DOTS_PER_INCH = 144
EDGE = 0.25
TITLE, SUBTITLE, SMALL, PRINT = 14.0, 10.0, 8.5, 7.5


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Whether they have a point in common."""
        return (
            self.left <= other.right
            and other.left <= self.right
            and self.bottom <= other.top
            and other.bottom <= self.top
        )


class Ruler:
    """Measures and breaks texts, in inches, before there is a page to put them on."""

    def extent(self, text: str, size: float, weight: str = "normal") -> float:
        """How wide one line of text is in the fonts that are set now."""
        return _extent(text, size, weight, tuple(mpl.rcParams["font.family"]))

    def wrapped(self, text: str, room: float, size: float, weight: str = "normal") -> list[str]:
        """The text in lines no wider than ``room``, broken between words or, where there are none, anywhere."""
        if self.extent(text, size, weight) <= room:
            return [text]
        lines: list[str] = []
        line, used, space = "", 0.0, self.extent("a a", size, weight) - self.extent("aa", size, weight)
        for word in chain.from_iterable(self._pieces(whole, room, size, weight) for whole in text.split()):
            width = self.extent(word, size, weight)
            if line and used + space + width > room:
                lines.append(line)
                line, used = word, width
            else:
                line, used = f"{line} {word}".lstrip(), used + space + width
        return [*lines, line]

    def _pieces(self, word: str, room: float, size: float, weight: str) -> Iterator[str]:
        """The word, in pieces that are narrow enough."""
        while (width := self.extent(word, size, weight)) > room:
            fits = max(1, int(len(word) * room / width) - 1)
            yield word[:fits]
            word = word[fits:]
        yield word


@cache
def _paper() -> tuple[Figure, RendererAgg]:
    """Something to lay texts on that are only measured."""
    figure = Figure(figsize=(WIDTH, 1), dpi=DOTS_PER_INCH)
    return figure, FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=4096)
def _extent(text: str, size: float, weight: str, families: tuple[str, ...]) -> float:
    """The charts of a report have most of their words in common."""
    figure, renderer = _paper()
    artist = Text(0, 0, text, figure=figure, fontsize=size, fontweight=weight, fontfamily=families)
    return float(artist.get_window_extent(renderer).width) / DOTS_PER_INCH


class Canvas:
    """A white page ``WIDTH`` wide with title and subtitle on top and the footnotes below; the rest is for the chart."""

    def __init__(self, chart: Captioned, body_height: float, ruler: Ruler) -> None:
        """Lay the texts out around a body of that height, whose edges are ``bottom`` and ``top``."""
        self.figure = Figure(figsize=(WIDTH, 1), dpi=DOTS_PER_INCH, facecolor="white")
        self._renderer = FigureCanvasAgg(self.figure).get_renderer()  # type: ignore[no-untyped-call]
        room = WIDTH - 2 * EDGE
        title = ruler.wrapped(chart.title, room, TITLE, "bold")
        subtitle = ruler.wrapped(chart.subtitle, room, SUBTITLE)
        *notes, origin = chart.footnotes
        footnotes = [*ruler.wrapped(" ".join(notes), room, PRINT), *ruler.wrapped(origin, room, PRINT)]
        head = EDGE + _height(len(title), TITLE) + _height(len(subtitle), SUBTITLE) + 0.1
        self.bottom = EDGE * 0.8 + _height(len(footnotes), PRINT) + 0.04
        self.top = self.bottom + body_height
        self.height = self.top + head
        self.figure.set_size_inches(WIDTH, self.height)
        y = self.height - EDGE
        self.write("\n".join(title), EDGE, y, size=TITLE, weight="bold", va="top")
        self.write("\n".join(subtitle), EDGE, y - _height(len(title), TITLE), size=SUBTITLE, va="top", color=FAINT)
        self.write("\n".join(footnotes), EDGE, EDGE * 0.8, size=PRINT, va="bottom", color=FAINT)

    def write(self, text: str, x: float, y: float, **properties: Any) -> Text:
        """Put a text on the page, at inches from its lower left corner."""
        return self.figure.text(x / WIDTH, y / self.height, text, linespacing=1.25, **properties)

    def rectangle(self, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        """Inches as what ``Figure.add_axes`` takes."""
        return (left / WIDTH, bottom / self.height, (right - left) / WIDTH, (top - bottom) / self.height)

    def box(self, text: Text) -> Box:
        """What a text covers, in pixels."""
        return Box(*map(float, text.get_window_extent(self._renderer).extents))

    def png(self) -> bytes:
        """The page as a PNG file of up to 256 colours; equal charts give equal bytes with equal versions and fonts."""
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        page = Image.fromarray(pixels).convert("RGB")
        few = page.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        few.save(buffer, format="png", optimize=True, dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
        return buffer.getvalue()

    def svg(self) -> bytes:
        """The page as an SVG file with its texts as outlines, so that it needs no font; equal charts, equal bytes."""
        buffer = io.BytesIO()
        FigureCanvasSVG(self.figure).print_svg(buffer, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
        return buffer.getvalue()


def _height(lines: int, size: float) -> float:
    """What so many lines of text take, in inches."""
    return lines * size * 1.45 / 72

"""The charts of a report: for each model those that its rows have something for, drawn as PNG and SVG.

matplotlib is imported when a chart is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report.document import Content
from harness.report.method_words import Language
from harness.report.plot_captions import Captioned

if TYPE_CHECKING:
    from harness.report.plot_page import Canvas

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Drawn:
    """One chart: ``name`` is a file's without suffix, ``caption`` its title; ``png`` and ``svg`` are whole files."""

    name: str
    model: str
    caption: str
    png: bytes
    svg: bytes


def draw_charts(found: Iterable[Content], language: Language) -> Iterator[Drawn]:
    """Every chart of every model, in order; equal rows give equal bytes with equal fonts and matplotlib."""
    names: set[str] = set()
    for content in found:
        for kind, chart in wanted(content, language):
            name = _file_name(f"{kind}-{content.model}", names)
            canvas = draw(chart, language)
            yield Drawn(name, content.model, chart.title, *canvas)


def wanted(content: Content, language: Language) -> Iterator[tuple[str, Captioned]]:
    """What there is to draw of a model, by kind: throughput, ratios, parts, distribution, trade."""
    from harness.report.chart_cells import parts_chart, strips_chart
    from harness.report.chart_ratios import ratio_charts
    from harness.report.chart_trade import trade_chart
    from harness.report.plot_series import chart

    rows: Sequence[Any] = content.rows
    throughput = chart(rows, "throughput", language)
    if throughput is not None:
        yield "throughput", throughput
    if content.performance is not None:
        for ratios in ratio_charts(content.performance, language):
            yield "ratios", ratios
    latency = chart(rows, "latency", language)
    if latency is not None:
        yield "latency", latency
    for kind, made in (
        ("parts", parts_chart(rows, language)),
        ("distribution", strips_chart(rows, language)),
        ("accuracy", trade_chart(rows, language)),
    ):
        if made is not None:
            yield kind, made


def draw(chart: Captioned, language: Language) -> tuple[bytes, bytes]:
    """The PNG and the SVG file of any chart."""
    from harness.report.plot_style import readable, style

    with style():
        canvas = _page(readable(chart, language))
        return canvas.png(), canvas.svg()


def _page(chart: Captioned) -> Canvas:
    """The page of a chart of any kind."""
    from harness.report.plot_bars import RatioChart, StackChart, draw_ratios, draw_stacks
    from harness.report.plot_cells import draw_cells
    from harness.report.plot_lines import draw_lines
    from harness.report.plot_series import Chart
    from harness.report.plot_strips import StripChart, draw_strips
    from harness.report.plot_trade import TradeChart, draw_trade

    match chart:
        case Chart():
            return draw_lines(chart) if chart.by_batch else draw_cells(chart)
        case RatioChart():
            return draw_ratios(chart)
        case StackChart():
            return draw_stacks(chart)
        case StripChart():
            return draw_strips(chart)
        case TradeChart():
            return draw_trade(chart)
    raise TypeError(f"{type(chart).__name__}: no such chart")


def _file_name(wanted_name: str, taken: set[str]) -> str:
    """A name that every file system takes, each once."""
    plain = _UNSAFE.sub("_", wanted_name).strip("._")[:100]
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    taken.add(name)
    return name

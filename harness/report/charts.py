"""The charts of a report: for each model those that its rows have something for, drawn as PNG and SVG.

matplotlib is imported when a chart is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.report.document import Content
from harness.report.method_words import Language
from harness.report.plot_captions import Captioned
from harness.report.rows import Row

if TYPE_CHECKING:
    from harness.report.plot_page import Canvas

Format = Literal["png", "svg"]
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Drawn:
    """One chart: ``name`` is a file's without suffix, ``caption`` its title; ``files`` are whole files by format."""

    name: str
    model: str
    caption: str
    files: Mapping[Format, bytes]


def draw_charts(
    found: Iterable[Content], language: Language, formats: Sequence[Format] = ("png", "svg")
) -> Iterator[Drawn]:
    """Every chart of every model, in order; equal rows give equal bytes with equal fonts and matplotlib."""
    names: set[str] = set()
    for content in found:
        for kind, chart in wanted(content, language):
            name = _file_name(f"{kind}-{content.model}", names)
            yield Drawn(name, content.model, chart.title, draw(chart, language, formats))


def wanted(content: Content, language: Language) -> Iterator[tuple[str, Captioned]]:
    """What there is to draw of a model, by kind: throughput, ratios, parts, distribution, trade."""
    from harness.report.chart_cells import parts_chart, strips_chart
    from harness.report.chart_ratios import ratio_charts
    from harness.report.chart_trade import trade_chart
    from harness.report.plot_series import chart

    rows = newest_of_each(content.rows)
    evaluated = newest_of_each([row for row in content.rows if row.accuracy is not None or row.reference is not None])
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
        ("accuracy", trade_chart(evaluated, language)),
    ):
        if made is not None:
            yield kind, made


def newest_of_each(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Of a cell that was measured several times with the same settings the newest, as in the tables; in their order."""
    from harness.report.plot_series import timed_overrides

    found: dict[object, Row] = {}
    for row in rows:
        same = (row.source, row.soc_version, row.precision, row.backend, row.batchsize, row.hardware)
        key: object = (*same, timed_overrides(row)) if row.reference is None else id(row)
        if key not in found or found[key].started <= row.started:
            found[key] = row
    kept = {id(row) for row in found.values()}
    return tuple(row for row in rows if id(row) in kept)


def draw(chart: Captioned, language: Language, formats: Sequence[Format]) -> dict[Format, bytes]:
    """The files of any chart."""
    from harness.report.plot_style import needed_families, readable, style

    shown = readable(chart, language)
    with style(needed_families(shown, language)):
        canvas = _page(shown)
        return {each: canvas.png() if each == "png" else canvas.svg() for each in formats}


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

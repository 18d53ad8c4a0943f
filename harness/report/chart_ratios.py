"""What the charts of ratios show: each device against its baseline, batch by batch and best against best."""

from __future__ import annotations

from collections.abc import Iterator

from harness.records.schema import Estimate
from harness.report.digits import MISSING
from harness.report.figures import ratio_text, throughput_cell
from harness.report.method_words import Language
from harness.report.performance import Line, Performance
from harness.report.plot_bars import RatioBar, RatioChart
from harness.report.plot_captions import BETWEEN, line, origin, source_notes, subtitle
from harness.report.plot_words import said
from harness.report.report_words import phrase
from harness.report.rows import HEADLINE, Row
from harness.report.series import Key, labels


def ratio_charts(content: Performance, language: Language) -> Iterator[RatioChart]:
    """One chart for every device that has a baseline and a ratio."""
    names = labels(content.series, phrase(language, "published"))
    for target, baseline in content.pairs.items():
        lines = [each for each in content.lines if not each.earlier and {target, baseline} & each.rows.keys()]
        if content.best is not None:
            lines.append(content.best)
        if not any((HEADLINE, target) in each.ratios for each in lines):
            continue
        rows = [each.rows[key] for each in lines for key in (baseline, target) if key in each.rows]
        bars = tuple(_bar(each, target, language) for each in lines)
        notes = [said(language, "ratio_note")]
        if not all(bar.measured for bar in bars):
            notes.append(said(language, "ratio_hollow"))
        words = {"target": names[target], "baseline": names[baseline]}
        yield RatioChart(
            title=line(said(language, "ratios", models=content.model, **words)),
            subtitle=line(subtitle(rows)),
            unit=line(said(language, "ratio_unit", **words)),
            bars=bars,
            footnotes=tuple(map(line, (*notes, *_untrained(rows, language), origin(rows, language)))),
            language=language,
        )


def _bar(shown: Line, target: Key, language: Language) -> RatioBar:
    size = said(language, "best") if shown.batchsize is None else said(language, "batch", batchsize=shown.batchsize)
    quotient = shown.ratios.get((HEADLINE, target))
    if quotient is None:
        return RatioBar(size, None, MISSING, best=shown.batchsize is None)
    ratio = quotient.ratio
    sides = [_side(row, language) for row in (quotient.target, quotient.baseline)]
    return RatioBar(
        size,
        Estimate(ratio.ratio, ratio.low, ratio.high, 0 if ratio.low is None else 2),
        line(f"{ratio_text(quotient, language)}{BETWEEN}{' : '.join(sides)}"),
        measured=all(row.source == "measured" for row in (quotient.target, quotient.baseline)),
        best=shown.batchsize is None,
    )


def _side(row: Row, language: Language) -> str:
    """The throughput as the table has it, without unit and interval."""
    return throughput_cell(row, HEADLINE, language).text.partition(" ")[0]


def _untrained(rows: list[Row], language: Language) -> list[str]:
    """What the small print says of weights; what is no measurement is said by the hatching."""
    return [note for note in source_notes(rows, language) if note == said(language, "untrained")]

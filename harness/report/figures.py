"""What stands in the cells of a report: throughputs, ratios and outcomes as text, with the numbers behind them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from harness.records.schema import Estimate, Source
from harness.report.digits import MISSING, UNEARNED_DIGITS, figure, interval_places, rounded, significant
from harness.report.plot_words import status_word
from harness.report.quotient import Quotient
from harness.report.report_words import phrase
from harness.report.rows import HEADLINE, SAMPLES_PER_S, Row
from harness.report.table import Cell, Language
from harness.report.words import MARKS

NO_DIFFERENCE = "~"
ACCURACY_PLACES = 2
"""Decimal places of an accuracy in per cent that was evaluated here."""
RATIO_PLACES = 2
"""Decimal places of a ratio of published numbers, as the published tables have them."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def throughput_cell(row: Row | None, boundary: str, language: Language, *, strong: bool = False) -> Cell:
    """The throughput with its unit and mark; what the row ended with where it has none, a dash without a row."""
    if row is None:
        return Cell(MISSING, strong=strong)
    estimate = row.throughput if boundary == HEADLINE else row.throughputs.get(boundary)
    if estimate is None:
        return Cell(_outcome(row, language) if boundary == HEADLINE else MISSING, source=row.source, strong=strong)
    number = figure_of(row, estimate)
    unit = "" if row.unit is None else f" {unit_text(row.unit, language)}"
    return Cell(
        f"{number}{unit}{MARKS[row.source]}",
        value=finite(estimate.mean),
        low=finite(estimate.low),
        high=finite(estimate.high),
        source=row.source,
        strong=strong,
    )


def ratio_cell(quotient: Quotient | None, language: Language, *, strong: bool = False) -> Cell:
    """The ratio with its interval, the marks of its sides, and ``~`` where it shows no difference."""
    if quotient is None:
        return Cell(MISSING, strong=strong)
    ratio = quotient.ratio
    return Cell(
        ratio_text(quotient, language),
        value=ratio.ratio,
        low=ratio.low,
        high=ratio.high,
        source=weakest([quotient.target, quotient.baseline]),
        strong=strong,
    )


def ratio_text(quotient: Quotient, language: Language) -> str:
    """``3.19x^``, or ``3.19x (3.15 to 3.23)`` to the place that the interval earns."""
    ratio, rows = quotient.ratio, (quotient.baseline, quotient.target)
    marks = marks_of(rows) + (NO_DIFFERENCE if quotient.shows_nothing else "")
    if ratio.low is None or ratio.high is None:
        published = all(row.source == "reference" for row in rows)
        value = rounded(ratio.ratio, RATIO_PLACES) if published else significant(ratio.ratio, UNEARNED_DIGITS)
        return phrase(language, "times", value=value) + marks
    places = interval_places(ratio.ratio, ratio.low, ratio.high, RATIO_PLACES)
    value, low, high = (rounded(each, places) for each in (ratio.ratio, ratio.low, ratio.high))
    return phrase(language, "times_interval", value=value, low=low, high=high) + marks


def joules_cell(row: Row | None, *, strong: bool = False) -> Cell:
    """Joules per sample with three digits."""
    if row is None or finite(row.joules_per_sample) is None or row.joules_per_sample is None:
        return Cell(MISSING, strong=strong)
    text = significant(row.joules_per_sample, 3) + MARKS[row.source]
    return Cell(text, value=finite(row.joules_per_sample), source=row.source, strong=strong)


def finite(value: float | None) -> float | None:
    """The number for programs, which know no infinity: a damaged record may hold one."""
    return value if value is not None and math.isfinite(value) else None


def figure_of(row: Row, estimate: Estimate) -> str:
    """One of the row's estimates in digits: those that its interval earns, or those that its source printed."""
    return _published_number(row, estimate) if row.source == "reference" else figure(estimate)


def accuracy_text(value: float, source: Source) -> str:
    """An accuracy in per cent, with the digits that its source states or that an evaluation here earns."""
    return f"{value:.10g}" if source == "reference" else rounded(value, ACCURACY_PLACES)


def _published_number(row: Row, estimate: Estimate) -> str:
    printed = _NUMBER.search(row.stated or "")
    if printed is not None and float(printed.group()) == estimate.mean:
        return printed.group()
    return f"{estimate.mean:.12g}"


def unit_text(unit: str, language: Language) -> str:
    """A unit in the language; those of other sources as they state them."""
    return phrase(language, unit) if unit == SAMPLES_PER_S else unit


def marks_of(rows: Sequence[Row]) -> str:
    """The marks of all sources among the rows, each once."""
    return "".join(dict.fromkeys(MARKS[row.source] for row in rows))


def weakest(rows: Sequence[Row]) -> Source:
    """The source that a figure made of several rows may claim: simulated before reference before measured."""
    sources: set[Source] = {row.source for row in rows}
    order: tuple[Source, ...] = ("simulated", "reference", "measured")
    return next(source for source in order if source in sources)


def _outcome(row: Row, language: Language) -> str:
    words = (
        phrase(language, "out_of_memory") if row.outcome.status == "oom" else status_word(language, row.outcome.status)
    )
    return words + MARKS[row.source]

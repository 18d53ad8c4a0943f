"""What the gate found, for people: a table with notes, in English or Chinese. Texts are escaped by the format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from harness.report.digits import MISSING, interval_places, rounded, significant
from harness.report.figures import figure_of
from harness.report.gate import FALLEN, Judged, Judgement, is_lost
from harness.report.gate_words import WORDS
from harness.report.grid import Grid
from harness.report.method_words import BOUNDARIES, Language
from harness.report.plot_words import status_word
from harness.report.report_words import difference_words, part_name, phrase
from harness.report.rows import HEADLINE, Row
from harness.report.words import MARKS

NAMED = 20
"""How many cells a note names."""
_COLUMNS = ("cell", "before", "now", "ratio", "interval", "accuracy", "verdict")
_STYLES = {**dict.fromkeys(FALLEN, "red"), "faster": "green", "within_noise": "yellow", "not_comparable": "dim"}


def headline(found: Judgement, baseline: str, language: Language, *, missing: int = 0) -> str:
    """The first sentence: passed or not. ``missing`` cells count against it where all were asked for."""
    words = WORDS[language]
    compared = [cell for cell in found.cells if cell.verdict != "not_comparable"]
    if found.fallen:
        return words["fallen"].format(count=len(found.fallen), all=len(found.cells), baseline=baseline)
    if not compared:
        return words["empty"].format(baseline=baseline)
    if missing:
        return words["missing"].format(count=missing, baseline=baseline)
    lower = sum(cell.verdict == "within_noise" for cell in compared)
    noise = words["noise"].format(count=lower) if lower else ""
    return words["passed"].format(count=len(compared), all=len(found.cells), baseline=baseline, noise=noise)


def gate_table(found: Judgement, language: Language) -> Grid:
    """The table of cells, those that are worse first, and the notes."""
    words = WORDS[language]
    titles = {key: words[key].format(unit=words["unit"]) for key in _COLUMNS}
    cells = sorted(found.cells, key=_order)
    return Grid(
        columns=[titles[key] for key in _COLUMNS],
        rows=[{titles[key]: text for key, text in _row(cell, found, language).items()} for cell in cells],
        notes=list(_notes(found, language)),
        numbers=frozenset(titles[key] for key in ("before", "now", "ratio", "interval")),
        least_needed=[titles[key] for key in ("interval", "accuracy", "before", "now")],
        styles={titles["verdict"]: [_STYLES.get(cell.verdict, "") for cell in cells]},
    )


def _order(cell: Judged) -> tuple[object, ...]:
    """What fell first, then by model, device, precision and batch size."""
    row = cell.now
    return cell.verdict not in FALLEN, row.model, row.soc_version or "", row.precision or "", row.batchsize or 0


def named(row: Row) -> str:
    """A cell in a few words: ``swin98 cpu fp32, batch 4``; what a reference does not state is left out."""
    parts = [row.model, row.soc_version, row.precision]
    size = f"bs{row.batchsize}" if row.batchsize is not None else None
    return " ".join(part for part in (*parts, size) if part)


def _row(cell: Judged, found: Judgement, language: Language) -> dict[str, str]:
    ratio, interval = _ratio(cell, language)
    return {
        "cell": named(cell.now),
        "before": _throughput(cell.before, found.boundary),
        "now": _throughput(cell.now, found.boundary),
        "ratio": ratio,
        "interval": interval,
        "accuracy": ", ".join(_metrics(cell, found.tolerances.accuracy_points)) or MISSING,
        "verdict": WORDS[language][cell.verdict],
    }


def _metrics(cell: Judged, points: float) -> Iterator[str]:
    """The headline metric, and any other that fell by more than so many points."""
    for place, each in enumerate(cell.metrics):
        if place == 0 or is_lost(each, points):
            yield f"{each.metric} {each.before:.2f} → {each.now:.2f} ({each.change:+.2f})"


def _throughput(row: Row, boundary: str) -> str:
    estimate = row.throughput if boundary == HEADLINE else row.throughputs.get(boundary)
    if estimate is None:
        return MISSING
    return figure_of(row, estimate) + MARKS[row.source]


def _ratio(cell: Judged, language: Language) -> tuple[str, str]:
    """Ratio and interval to the place that its half-width earns."""
    if cell.quotient is None:
        return MISSING, MISSING
    ratio, low, high = cell.quotient.ratio.ratio, cell.quotient.ratio.low, cell.quotient.ratio.high
    if low is None or high is None:
        return significant(ratio, 2), MISSING
    places = interval_places(ratio, low, high, 4)
    return rounded(ratio, places), WORDS[language]["span"].format(low=rounded(low, places), high=rounded(high, places))


def _notes(found: Judgement, language: Language) -> Iterator[str]:
    words = WORDS[language]
    yield words["rule"].format(
        boundary=BOUNDARIES[language].get(found.boundary, found.boundary),
        throughput=f"{100 * found.tolerances.throughput:g}",
        points=f"{found.tolerances.accuracy_points:g}",
    )
    if any(cell.verdict == "within_noise" for cell in found.cells):
        yield words["within_noise_note"]
    yield from _grouped(found.cells, words["floor"], "percent", language, _floor)
    yield from _grouped(
        found.cells, words["few"], "none", language, lambda cell: "few" if _has_no_interval(cell) else None
    )
    if any(cell.quotient and cell.quotient.unpaired for cell in found.cells):
        yield words["apart"]
    if any(cell.quotient and cell.before.reference for cell in found.cells):
        yield words["one_sided"]
    yield from _grouped(
        found.cells, words["differ"], "differing", language, lambda cell: _parts(cell.differing, language)
    )
    yield from _grouped(found.cells, words["unknown"], "unknown", language, lambda cell: _unknown(cell, language))
    yield from _grouped(
        found.cells, words["other_data"], "none", language, lambda cell: "x" if cell.other_data else None
    )
    yield from _grouped(found.cells, words["no_accuracy"], "none", language, _lost_accuracy)
    yield from _grouped(found.cells, words["outcome"], "outcome", language, lambda cell: _outcome(cell, language))
    for reason in ("simulated", "strict", "unit", "no_figures"):
        sentence = words["unit_unknown" if reason == "unit" else reason]
        yield from _grouped(found.cells, sentence, "none", language, partial(_is, reason))
    for key, rows in (("only_now", found.only_now), ("not_run", found.not_run), ("only_before", found.only_before)):
        if rows:
            yield words[key].format(cells=_listed(map(named, rows), language))
    if found.sweeps:
        yield words["sweeps"].format(sweeps=_listed(found.sweeps, language))
    sources = {row.source for cell in found.cells for row in (cell.now, cell.before)}
    yield from (phrase(language, f"mark_{source}") for source in ("simulated", "reference") if source in sources)


def _grouped(
    cells: Sequence[Judged], sentence: str, key: str, language: Language, said: Callable[[Judged], str | None]
) -> Iterator[str]:
    """A sentence for each thing that is said of cells, naming all that it is said of."""
    groups: dict[str, list[str]] = {}
    for cell in cells:
        text = said(cell)
        if text:
            groups.setdefault(text, []).append(named(cell.now))
    for text, names in groups.items():
        yield sentence.format(**{"cells": _listed(names, language), key: text})


def _listed(names: Iterable[str], language: Language) -> str:
    every = list(dict.fromkeys(names))
    more = len(every) - NAMED
    rest = [] if more <= 0 else [f"… {more} more" if language == "en" else f"…另有 {more} 个"]
    return phrase(language, "separator").join([*every[:NAMED], *rest])


def _floor(cell: Judged) -> str | None:
    return f"{100 * math.expm1(cell.quotient.floor):.1f}" if cell.quotient and cell.quotient.floor else None


def _has_no_interval(cell: Judged) -> bool:
    return cell.quotient is not None and cell.quotient.ratio.low is None


def _parts(differing: Sequence[str], language: Language) -> str:
    """Differences in words; of a hash that differs it is enough to say that it does."""
    words = [
        difference_words(language, part.split(":")[0] if part.startswith("model_sha256") else part)
        for part in differing
    ]
    return phrase(language, "separator").join(words)


def _unknown(cell: Judged, language: Language) -> str:
    return phrase(language, "join").join(part_name(language, part) for part in cell.unknown)


def _lost_accuracy(cell: Judged) -> str | None:
    gone = cell.now.outcome.status == "ok" and cell.now.accuracy is None and cell.before.accuracy is not None
    return "gone" if gone else None


def _outcome(cell: Judged, language: Language) -> str | None:
    outcome = cell.now.outcome
    if cell.verdict != "failed":
        return None
    status = status_word(language, outcome.status)
    return " ".join(filter(None, (status, outcome.stage and f"({outcome.stage})", outcome.message)))


def _is(reason: str, cell: Judged) -> str | None:
    return "x" if cell.reason == reason else None

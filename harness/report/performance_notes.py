"""The sentence above a performance table and the notes below it: what did not fit, what was timed, what differs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from harness.records.references import Reference
from harness.report.figures import ratio_text, throughput_cell
from harness.report.performance import DEFAULT_BASELINE, EARLIER_SHOWN, Line, Performance
from harness.report.plot_words import status_word
from harness.report.quotient import ALIKE, Quotient, comparability
from harness.report.reference_notes import reference_notes
from harness.report.report_words import cited_words, difference_words, enumerated, part_name, phrase
from harness.report.rows import END_TO_END, HEADLINE, Row
from harness.report.series import Key, Series
from harness.report.table import Language
from harness.report.words import stated_tools

ACCEPTED = 1.6
"""Best 310P over best T4 that the zoo's rule asks for (ASCEND.md, section h)."""
RULED = "Ascend310P"


def lead(content: Performance, names: Mapping[Key, str], language: Language) -> str:
    """At which batch size each target, or the only device, is fastest."""
    shown = [each for each in content.series if each.key in content.pairs] or content.series
    sentences = []
    for series in shown:
        if len(series.by_batch) > 1 and series.best is not None:
            value = throughput_cell(series.best, HEADLINE, language).text
            size, device = series.best.batchsize, names[series.key]
            sentences.append(phrase(language, "leads", device=device, model=content.model, size=size, value=value))
    return (" " if language == "en" else "").join(sentences)


def notes(
    content: Performance, names: Mapping[Key, str], language: Language, *, acceptance: bool = False
) -> tuple[str, ...]:
    """All notes in their order."""
    return (
        *absent_notes(content.absent, content.model, language, is_pair=True),
        *_ended(content, names, language),
        *_twice(content, names, language),
        *_meaning(content, language),
        *_comparable(content, names, language),
        *_sources(content, names, language),
        *(_acceptance(content, names, language) if acceptance else ()),
    )


def absent_notes(absent: Sequence[str], model: str, language: Language, *, is_pair: bool = False) -> Iterator[str]:
    """A sentence for each device that was asked for by name and of which nothing is known for this model."""
    for device in absent:
        ratio = phrase(language, "absent_ratio") if is_pair else ""
        yield phrase(language, "absent", device=device, model=model, ratio=ratio)


def _ended(content: Performance, names: Mapping[Key, str], language: Language) -> Iterator[str]:
    """Batch sizes without figures: first those that did not fit, a sentence for each device."""
    clause = phrase(language, "clause")
    for series in content.series:
        device = names[series.key]
        oom = [row for row in series.ended if row.outcome.status == "oom" and row.batchsize not in series.by_batch]
        sizes = [row.batchsize for row in oom]
        if sizes:
            key = "oom_more" if _and_more(series, oom) else "oom"
            shown = sizes[:1] if key == "oom_more" else sizes
            yield phrase(language, key, device=device, sizes=enumerated(language, shown))
        for row in series.ended:
            why = "".join(f"{clause}{each}" for each in (row.outcome.reason, row.outcome.message) if each)
            outcome = status_word(language, row.outcome.status)
            known = {"device": device, "size": row.batchsize, "outcome": outcome, "why": why}
            if row.batchsize in series.by_batch:
                yield phrase(language, "ended_since", **known, when=_when(row, language))
            elif row.outcome.status != "oom":
                yield phrase(language, "ended", **known)


def _and_more(series: Series, oom: Sequence[Row]) -> bool:
    """Whether a source says so of its smallest size; of what was tried here only what was tried is said."""
    said = " ".join(note for row in oom if row.reference for note in row.reference.notes)
    return "and more" in said and min(row.batchsize or 0 for row in oom) > max(series.by_batch, default=0)


def _twice(content: Performance, names: Mapping[Key, str], language: Language) -> Iterator[str]:
    """The same cell measured more than once: when and where, and what differed between the measurements."""
    for series in content.series:
        for size, rows in series.by_batch.items():
            known = {"device": names[series.key], "size": size, "times": len(rows)}
            if len(rows) > 1 and series.key.source == "reference":
                yield phrase(language, "published_twice", **known)
            elif len(rows) > 1:
                newest, *earlier = (_when(row, language) for row in rows[: 1 + EARLIER_SHOWN])
                more = len(rows) - 1 - len(earlier)
                earlier += [phrase(language, "more", number=more)] if more else []
                listed = phrase(language, "separator").join(earlier)
                yield phrase(language, "twice", **known, newest=newest, earlier=listed)
                differing = dict.fromkeys(
                    part for row in rows[1 : 1 + EARLIER_SHOWN] for part in comparability(rows[0], row)[0]
                )
                if differing:
                    words = phrase(language, "separator").join(difference_words(language, part) for part in differing)
                    yield phrase(language, "differing_cells", **known, differing=words)


def _when(row: Row, language: Language) -> str:
    started = row.started[:19].replace("T", " ")
    return phrase(language, "machine", started=started, host=row.host or "?", sweep=row.sweep_id)


def _meaning(content: Performance, language: Language) -> Iterator[str]:
    """What the figures are."""
    rows = [row for line in content.lines for row in line.rows.values()]
    copies = any(END_TO_END in row.throughputs for row in rows)
    if any(row.boundary is not None for row in rows):  # else no source says what it timed
        yield phrase(language, "compute_end_to_end" if copies else "compute")
    if any(row.throughput and row.throughput.low is not None for row in rows):
        yield phrase(language, "intervals")
    if len(content.series) > 1:
        yield phrase(language, "best_rule")
    if any(row.joules_per_sample is not None for row in rows):
        yield phrase(language, "joules_note")


def _comparable(content: Performance, names: Mapping[Key, str], language: Language) -> Iterator[str]:
    """How ratios were made and what keeps their sides apart."""
    quotients = content.quotients
    sides = [(each.target.reference is None, each.baseline.reference is None) for each in quotients]
    if any(each.ratio.paired for each in quotients):
        yield phrase(language, "paired")
    if any(each.unpaired for each in quotients):
        yield phrase(language, "unpaired")
    if any(one != other for one, other in sides):
        yield phrase(language, "one_sided")
    if any(each.shows_nothing for each in quotients):
        floor = max(each.floor for each in quotients)
        words = phrase(language, "floor", percent=f"{100 * math.expm1(floor):.1f}") if floor else ""
        yield phrase(language, "no_difference", floor=words)
    for (target, baseline, differing), sizes in _differing(content.lines, content.pairs).items():
        words = phrase(language, "separator").join(difference_words(language, part) for part in differing)
        yield phrase(
            language,
            "differing",
            target=names[target],
            baseline=names[baseline],
            sizes=enumerated(language, sizes),
            differing=words,
        )
    unknown = dict.fromkeys(part for each in quotients for part in each.unknown)
    if unknown:
        parts = phrase(language, "join").join(part_name(language, part) for part in unknown)
        yield phrase(language, "unknown", parts=parts)


def _differing(
    lines: Sequence[Line], pairs: Mapping[Key, Key]
) -> Mapping[tuple[Key, Key, tuple[str, ...]], Sequence[int]]:
    """The batch sizes at which a pair's fingerprints differ in the same way."""
    found: dict[tuple[Key, Key, tuple[str, ...]], list[int]] = {}
    for line in lines:
        for (boundary, target), each in line.ratios.items():
            if boundary == HEADLINE and each.differing and line.batchsize is not None:
                parts = tuple(part for part in each.differing if not part.startswith(("model_sha256", "inputs")))
                hashes = [part.partition(":")[0] for part in each.differing if part not in parts]
                key = target, pairs[target], (*dict.fromkeys(hashes), *parts)
                found.setdefault(key, []).append(line.batchsize)
    return found


def _sources(content: Performance, names: Mapping[Key, str], language: Language) -> Iterator[str]:
    """Units that allow no ratio, tools, citations, and what the marks mean."""
    paired = {*content.pairs, *content.pairs.values()}
    divided = {key for line in content.lines for _, top in line.ratios for key in (top, content.pairs[top])}
    for series in content.series:
        device = names[series.key]
        rows = [row for rows in series.by_batch.values() for row in rows]
        if rows and series.unit is None:
            yield phrase(language, "unit_alike" if series.key in divided else "unit_unknown", device=device)
        elif rows and series.unit not in ALIKE and series.key in paired:
            yield phrase(language, "units_differ", device=device, unit=series.unit)
        tools = dict.fromkeys(words for row in rows if (words := stated_tools(row.fingerprint)))
        for words in tools:
            yield phrase(language, "tools", device=device, tools=words)
    cited: dict[str, list[str]] = {}
    published: dict[str, list[Reference]] = {}
    for series in content.series:
        for row in (*(row for rows in series.by_batch.values() for row in rows), *series.ended):
            if row.reference is not None:
                published.setdefault(names[series.key], []).append(row.reference)
                devices = cited.setdefault(row.reference.citation.words, [])
                devices += [] if names[series.key] in devices else [names[series.key]]
    for citation, devices in cited.items():
        yield phrase(language, "cited", device=enumerated(language, devices), citation=cited_words(language, citation))
    yield from reference_notes(published, language)
    sources = {each.key.source for each in content.series}
    yield from (phrase(language, f"mark_{each}") for each in ("simulated", "reference") if each in sources)


def _acceptance(content: Performance, names: Mapping[Key, str], language: Language) -> Iterator[str]:
    """The zoo's rule for each 310P: met, not met, or not decided because the interval holds the limit."""
    if not content.pairs:
        device = next((name for key, name in names.items() if key.soc_version.startswith(RULED)), RULED)
        yield phrase(language, "acceptance_none", target=device.removeprefix("Ascend"), baseline=DEFAULT_BASELINE)
    ruled = {key: mate for key, mate in content.pairs.items() if key.soc_version.startswith(RULED)}
    for target, baseline in (ruled or content.pairs).items():
        known = {"target": names[target], "baseline": names[baseline]}
        found: Quotient | None = content.best.ratios.get((HEADLINE, target)) if content.best else None
        if found is None:
            yield phrase(language, "acceptance_none", **known)
            continue
        low, high = found.ratio.low, found.ratio.high
        held = low is not None and high is not None and low < ACCEPTED <= high
        key = "acceptance_open" if held else "acceptance_met" if found.ratio.ratio >= ACCEPTED else "acceptance_missed"
        yield phrase(language, key, **known, ratio=ratio_text(found, language))

"""What stands around a chart: the models and devices that it shows, and the small print below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from harness.report.digits import MISSING
from harness.report.method_words import Language
from harness.report.plot_words import boundary_words, ranged, said
from harness.report.report_words import cited_words
from harness.report.rows import Row
from harness.report.words import plain

BETWEEN = " · "
_MOST_NAMED = 3
"""Models, sweeps and citations that a chart names; more are counted."""


class Captioned(Protocol):
    """What every chart has around it; the last of the footnotes has a line of its own."""

    @property
    def title(self) -> str:
        """One line."""

    @property
    def subtitle(self) -> str:
        """One line."""

    @property
    def footnotes(self) -> tuple[str, ...]:
        """Sentences."""


def line(text: str) -> str:
    """One line, words one space apart."""
    return " ".join(plain(text).split())


def models_words(rows: Sequence[Row], language: Language) -> str:
    """The models' names, or how many they are."""
    names = list(dict.fromkeys(row.model for row in rows))
    if len(names) > _MOST_NAMED:
        return said(language, "models", count=len(names))
    return said(language, "and").join(filter(None, [", ".join(names[:-1]), names[-1]]))


def subtitle(rows: Sequence[Row]) -> str:
    """The devices with what their hardware calls itself, then what all measured cells have in common."""
    devices: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.hardware is None):
        name = row.soc_version or MISSING
        known = row.hardware is not None and row.hardware != name
        devices.setdefault(name, f"{name} ({row.hardware})" if known else name)
    words = [", ".join(devices.values())]
    own = [row for row in rows if row.reference is None]
    for values in ({row.precision for row in own}, {row.backend for row in own}):
        if len(values) == 1:
            words += [value for value in values if value]
    return BETWEEN.join(words)


def footnotes(rows: Sequence[Row], language: Language) -> Iterator[str]:
    """What was timed, how often, what the bars mean, what is no measurement, and where it all is."""
    shown = [row for row in rows if row.throughput is not None and row.reference is None]
    if shown:
        yield _timed(shown, language)
    yield from source_notes(rows, language)
    yield origin(rows, language)


def source_notes(
    rows: Sequence[Row], language: Language, *, look: Literal["hollow", "dashed"] = "hollow"
) -> Iterator[str]:
    """What is no measurement and how that looks, and what has untrained weights. Nothing published is ever dashed."""
    sources = {row.source for row in rows}
    yield from (said(language, f"{look}_{name}") for name in ("simulated", "reference") if name in sources)
    if any(row.weights is not None and not row.weights.trained for row in rows):
        yield said(language, "untrained")


def origin(rows: Sequence[Row], language: Language) -> str:
    """Where the figures are from: sweeps and the harness's version, and the sources of what was published."""
    sweeps = _few(row.sweep_id for row in rows if row.reference is None)
    versions = _few(row.harness_version for row in rows)
    citations = _few(cited_words(language, row.reference.citation.words) for row in rows if row.reference is not None)
    own = said(language, "origin", sweeps=sweeps) if sweeps else ""
    own = said(language, "harness", origin=own, versions=versions) if own and versions else own
    return BETWEEN.join(filter(None, [own, said(language, "published", citations=citations) if citations else ""]))


def _few(names: Iterator[str]) -> str:
    known = [name for name in dict.fromkeys(names) if name]
    return ", ".join(known[:_MOST_NAMED]) + (f" +{len(known) - _MOST_NAMED}" if len(known) > _MOST_NAMED else "")


def _timed(shown: Sequence[Row], language: Language) -> str:
    """The boundary, processes and iterations; where backends time different boundaries, each with its backends."""
    counts = [row.throughput.n for row in shown if row.throughput]
    each = [iterations for row in shown for iterations in row.iterations]
    backends: dict[str, dict[str, None]] = {}
    for row in shown:
        backends.setdefault(boundary_words(language, row.boundary or MISSING), {})[row.backend or MISSING] = None
    join = said(language, "and")
    named = [said(language, "by_backend", boundary=k, backends=join.join(v)) for k, v in backends.items()]
    processes = said(language, "process" if max(counts) == 1 else "processes", count=ranged(language, counts))
    iterations = "iteration" if each and max(each) == 1 else "iterations"
    text = said(
        language,
        "timed",
        boundaries=", ".join(named) if len(backends) > 1 else next(iter(backends)),
        processes=processes,
        iterations=said(language, iterations, count=ranged(language, each)) if each else "",
    )
    alone = any(row.throughput.low is None for row in shown if row.throughput)
    return text + (said(language, "one_process") if alone else "")

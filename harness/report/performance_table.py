"""The performance table as it is published: ``batchsize | T4 | 310P | 310P/T4``, the best line, and its notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from harness.report.figures import joules_cell, ratio_cell, throughput_cell
from harness.report.performance import Line, Performance
from harness.report.performance_notes import lead, notes
from harness.report.report_words import phrase
from harness.report.rows import END_TO_END, HEADLINE
from harness.report.series import Key, labels
from harness.report.table import Cell, Column, Language, Table


def performance_table(content: Performance, language: Language, *, acceptance: bool = False) -> Table:
    """The table of one model; with ``acceptance`` the zoo's rule is among the notes."""
    names = labels(content.series, phrase(language, "published"))
    shapes = [*_figures(content, names, language), *_joules(content, names, language)]
    lines = (*content.lines, *([content.best] if content.best is not None else []))
    return Table(
        name=f"performance-{content.model}",
        title=phrase(language, "performance", model=content.model),
        columns=(Column("batchsize", phrase(language, "batchsize")), *(column for column, _ in shapes)),
        rows=tuple((_size(line, language), *(cell(line) for _, cell in shapes)) for line in lines),
        lead=lead(content, names, language),
        notes=notes(content, names, language, acceptance=acceptance),
    )


def _size(line: Line, language: Language) -> Cell:
    if line.batchsize is None:
        return Cell(phrase(language, "best"), strong=True)
    text = str(line.batchsize)
    if line.earlier:
        published = all(row.source == "reference" for row in line.rows.values())
        text = phrase(language, "also" if published else "earlier", size=text)
    return Cell(text, value=line.batchsize)


Shape = tuple[Column, Callable[[Line], Cell]]
"""A column and what fills it."""


def _figures(content: Performance, names: Mapping[Key, str], language: Language) -> Iterable[Shape]:
    """Throughputs and ratios of device compute, then those end to end that are known for any row."""
    yield from _boundary(content, names, language, HEADLINE, ("device", "ratio"))
    for column, cell in _boundary(content, names, language, END_TO_END, ("end_to_end", "ratio_end_to_end")):
        if any(cell(line).value is not None for line in content.lines):
            yield column, cell


def _boundary(
    content: Performance, names: Mapping[Key, str], language: Language, boundary: str, words: tuple[str, str]
) -> Iterable[Shape]:
    keys = _column_keys(content)
    suffix = "" if boundary == HEADLINE else f" {boundary}"
    of_device, of_ratio = words
    own = [] if boundary != HEADLINE else [each.key for each in content.series if not _replaced(each.key, content)]
    first = next((target for target in content.pairs if target in own), None)
    for series in content.series:
        key = series.key
        title = phrase(language, of_device, device=names[key])
        column = Column(keys[key] + suffix, title, need=2 if key in own else 0)
        yield column, partial(_throughput, key, boundary, language)
    for target, baseline in content.pairs.items():
        title = phrase(language, of_ratio, target=names[target], baseline=names[baseline])
        need = 3 if target == first else int(target in own)
        column = Column(f"{keys[target]}/{keys[baseline]}{suffix}", title, need=need)
        yield column, partial(_ratio, target, boundary, language)


def _replaced(key: Key, content: Performance) -> bool:
    """Whether a published series stands beside one of records of the same device."""
    others = (each.key for each in content.series if each.key.source != "reference")
    return key.source == "reference" and any(other.soc_version == key.soc_version for other in others)


def _joules(content: Performance, names: Mapping[Key, str], language: Language) -> Iterable[Shape]:
    keys = _column_keys(content)
    for key in keys:
        if any(key in line.rows and line.rows[key].joules_per_sample is not None for line in content.lines):
            title = phrase(language, "joules", device=names[key])
            yield Column(f"{keys[key]} J/sample", title), partial(_energy, key)


def _column_keys(content: Performance) -> Mapping[Key, str]:
    """What programs call the columns: the names in English, whatever the language."""
    return labels(content.series, phrase("en", "published"))


def _throughput(key: Key, boundary: str, language: Language, line: Line) -> Cell:
    return throughput_cell(line.rows.get(key), boundary, language, strong=line.batchsize is None)


def _ratio(key: Key, boundary: str, language: Language, line: Line) -> Cell:
    return ratio_cell(line.ratios.get((boundary, key)), language, strong=line.batchsize is None)


def _energy(key: Key, line: Line) -> Cell:
    return joules_cell(line.rows.get(key), strong=line.batchsize is None)

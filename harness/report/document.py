"""Puts a report together: for each model its performance and its accuracy, then what could not be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.config.nearest import natural
from harness.report.accuracy_merged import accuracy_merged
from harness.report.performance import Performance, absent_chips, performance
from harness.report.performance_notes import absent_notes
from harness.report.performance_table import performance_table
from harness.report.report_words import phrase
from harness.report.rows import Problem, Row
from harness.report.table import Document, Language, Table


@dataclass(frozen=True)
class Content:
    """One model: the rows that were selected, and their performance where they have one.

    ``absent`` are the devices that were asked for by name and of which the model has no performance.
    """

    model: str
    rows: tuple[Row, ...]
    performance: Performance | None
    absent: tuple[str, ...] = ()


def contents(rows: Sequence[Row], baseline: str | None = None, targets: Sequence[str] = ()) -> tuple[Content, ...]:
    """The models of the rows in alphabetical order, numbers in theirs."""
    found = []
    for model in sorted({row.model for row in rows}, key=natural):
        own = tuple(row for row in rows if row.model == model)
        found.append(
            Content(model, own, performance(model, own, baseline, targets), absent_chips(own, baseline, targets))
        )
    return tuple(found)


def document(
    found: Sequence[Content], language: Language, *, problems: Sequence[Problem] = (), acceptance: bool = False
) -> Document:
    """The tables of all models in one language."""
    return Document(
        title=phrase(language, "title"),
        language=language,
        tables=tuple(table for content in found for table in tables(content, language, acceptance=acceptance)),
        problems=tuple(problems),
        problems_title=phrase(language, "problems"),
        notes=tuple(
            note
            for content in found
            if content.performance is None
            for note in absent_notes(content.absent, content.model, language)
        ),
    )


def tables(content: Content, language: Language, *, acceptance: bool = False) -> Iterator[Table]:
    """A model's tables: performance first."""
    if content.performance is not None:
        yield performance_table(content.performance, language, acceptance=acceptance)
    accuracy = accuracy_merged(content.model, content.rows, language)
    if accuracy is not None:
        yield accuracy


def refusal(found: Sequence[Content]) -> str | None:
    """Why a strict report is refused: the first ratio whose sides are not known to be comparable; None if all are."""
    reasons = []
    for content in found:
        for line in content.performance.lines if content.performance else ():
            for quotient in line.ratios.values():
                parts = [*quotient.differing, *(f"{part} not known" for part in quotient.unknown)]
                if parts:
                    sides = f"{quotient.target.soc_version}/{quotient.baseline.soc_version}"
                    reasons.append(f"{content.model}, batch size {line.batchsize}, {sides}: {'; '.join(parts)}")
    if not reasons:
        return None
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"strict=true refuses {reasons[0]}{more}; leave out strict=true to have it as a note"

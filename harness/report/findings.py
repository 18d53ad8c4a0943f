"""What disturbed the repeats of a cell, in a sentence for each disturbance: for the notes below tables."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records.schema import Record
from harness.report.words import listed

LONGEST = 160
AUDIT_MARK = "†"
AUDIT = frozenset({"outputs_differ", "repeating_is_faster"})
"""Findings after which a row bears ``AUDIT_MARK``: its figures may not be those of real work."""


def audit_mark(record: Record) -> str:
    """The mark of a row that failed its audit, or nothing."""
    return AUDIT_MARK if any(each.code in AUDIT for repeat in record.repeats for each in repeat.findings) else ""


def finding_notes(records: Sequence[Record]) -> list[str]:
    """One note for each kind of finding of each record: the rounds, and the words of the first of them."""
    notes = []
    for record in records:
        rounds: dict[str, list[int]] = {}
        words: dict[str, str] = {}
        for repeat in record.repeats:
            for finding in repeat.findings:
                rounds.setdefault(finding.code, []).append(repeat.round)
                words.setdefault(finding.code, finding.message)
        for code, numbers in rounds.items():
            all_of_them = len(numbers) == len(record.repeats) and len(numbers) > 1
            where = "every round" if all_of_them else f"{'round' if len(numbers) == 1 else 'rounds'} {listed(numbers)}"
            first = "" if len(numbers) == 1 else "; the first: "
            notes.append(f"{record.name}, {where} ({code}){first or ': '}{_short(words[code])}.")
    return notes


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."

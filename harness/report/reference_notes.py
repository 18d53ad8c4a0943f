"""What sources say of their own numbers beside a table: conditions, what they leave open, and remarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.records.references import Reference
from harness.report.report_words import OPEN, enumerated, phrase
from harness.report.table import Language

MOST_REMARKS = 6
"""Remarks on one device that stand below a table; more are counted."""


def reference_notes(published: Mapping[str, Sequence[Reference]], language: Language) -> Iterator[str]:
    """A sentence for each thing that sources say, or leave open, of their throughputs on a device; devices share it.

    ``published`` holds the references that a table shows by the device's name there. That a unit is not stated has a
    sentence of its own elsewhere.
    """
    conditions = {
        device: dict.fromkeys(each for reference in known for each in reference.conditions)
        for device, known in published.items()
    }
    unknown = {
        device: dict.fromkeys(
            _open(each, language) for reference in known for each in reference.unknown if not each.startswith("unit")
        )
        for device, known in published.items()
    }
    yield from _shared("conditions", conditions, language)
    yield from _shared("open", unknown, language)
    yield from remarks(published, language)


def remarks(published: Mapping[str, Sequence[Reference]], language: Language) -> Iterator[str]:
    """What else sources, or those who wrote them down, say of the numbers: in the language where that is at hand."""
    for device, references in published.items():
        words = dict.fromkeys(each for reference in references for each in _remarks(reference, language))
        shown = list(words)[:MOST_REMARKS]
        yield from (phrase(language, "remark", device=device, remark=each) for each in shown)
        if len(words) > len(shown):
            yield phrase(language, "more_remarks", device=device, number=len(words) - len(shown))


def _shared(key: str, by_device: Mapping[str, Iterable[str]], language: Language) -> Iterator[str]:
    """A sentence for each list, which names all devices that have it."""
    devices: dict[tuple[str, ...], list[str]] = {}
    for device, words in by_device.items():
        devices.setdefault(tuple(words), []).append(device)
    for words, names in devices.items():
        if words:
            listed = phrase(language, "separator" if key == "conditions" else "join").join(words)
            yield phrase(language, key, device=enumerated(language, names), words=listed)


def _open(name: str, language: Language) -> str:
    return OPEN.get(name, name) if language == "zh" else name


def _remarks(reference: Reference, language: Language) -> tuple[str, ...]:
    """The notes of a number; that it did not fit is said in words of the table's own."""
    if reference.outcome != "ok":
        return ()
    return (reference.notes_zh or reference.notes) if language == "zh" else reference.notes

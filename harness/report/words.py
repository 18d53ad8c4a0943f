"""What a record says in a few words: a value of its settings, its device, a number of things. For tables and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.records.schema import Record
from harness.records.tabled import AnyRecord
from harness.report.digits import MISSING

BOUNDARIES = {
    "compute": "device compute",
    "end_to_end": "end to end (H2D + compute + D2H)",
    "offline": "offline (samples / wall time)",
}
"""What a boundary times, in words."""


MARKS = {"measured": "", "simulated": "*", "reference": "^"}
"""What stands behind a figure that was not measured here."""


def source_notes(records: Sequence[Record]) -> list[str]:
    """What the marks mean, for those that are shown."""
    shown = {record.source for record in records}
    meanings = {
        "simulated": "simulated by a stand-in of the device, not measured.",
        "reference": "reference: published by somebody else, not measured here.",
    }
    return [f"{MARKS[source]} {words}" for source, words in meanings.items() if source in shown]


def setting(record: Record, *path: str) -> str:
    """A value of the frozen settings as text; a record that lacks it shows that it does."""
    value: Any = record.settings
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return MISSING if value is None else str(value)


def hardware(record: AnyRecord) -> str | None:
    """What the hardware calls itself, such as ``AMD EPYC 7B13``; None where nothing is known of it."""
    return next((str(record.device[key]) for key in ("model", "cpu_model") if record.device.get(key)), None)


def device_words(record: Record) -> str:
    """The device's name and what the hardware calls itself: ``cpu (AMD EPYC 7B13)``."""
    name, model = setting(record, "soc_version", "name"), hardware(record)
    return f"{name} ({model})" if model and model != name else name


def counted(numbers: Sequence[int], one: str, many: str) -> str:
    """``3 processes``, or ``2 to 11 iterations`` where the numbers differ."""
    low, high = min(numbers), max(numbers)
    return f"{low} to {high} {many}" if low != high else f"{low} {one if low == 1 else many}"


def listed(values: Sequence[object]) -> str:
    """``1``, ``1 and 4``, ``1, 4 and 8``."""
    words = [str(value) for value in values]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def plain(text: str) -> str:
    """One line without characters that would move a cursor or change a colour."""
    return "".join(character if character.isprintable() else " " for character in text)


def stated_tools(fingerprint: Mapping[str, Any]) -> str:
    """The runtimes and their versions as a fingerprint has them: ``onnxruntime 1.31.1``; their options are left out."""
    tools = fingerprint.get("tools")
    found = tools.items() if isinstance(tools, Mapping) else ()
    return ", ".join(f"{name} {value}" for name, value in found if str(value)[:1].isdigit() and "." in str(value))

"""The timing sections of trtexec: lists on a line (TensorRT 8 to 11, in READMEs over several) and blocks (TensorRT 7).

Formats: ``samples/common/sampleReporting.cpp`` of TensorRT 7.0 to 11. TensorRT 7 prints a heading and a line a value
under it; since 8.0 a label with ``min = 1.2 ms, max = ...`` follows it, with percentiles at 90, 95 and 99 % since
8.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.parsing.text import VALUE, Finding, number
from harness.parsing.timing import Timing

GPU, LATENCY, ENQUEUE, H2D, D2H, END_TO_END = "gpu_compute", "latency", "enqueue", "h2d", "d2h", "end_to_end"

_LABELS = {
    "gpu compute time": GPU,
    "gpu compute": GPU,
    "latency": LATENCY,
    "host latency": LATENCY,
    "end-to-end host latency": END_TO_END,
    "enqueue time": ENQUEUE,
    "h2d latency": H2D,
    "d2h latency": D2H,
}
_LIST = re.compile(
    r"(?<!Total )\b(GPU Compute Time|End-to-End Host Latency|Enqueue Time|H2D Latency|D2H Latency|Latency)\s*:",
    re.IGNORECASE,
)
_JUNK = r"(?:[\s,;]|\[[^\]\n]{0,40}\]|&nbsp;)*"
_ITEM = rf"(?:(min|max|mean|median)|percentile\s*\(\s*([0-9]{{1,3}}(?:\.[0-9]+)?)\s*%\s*\))\s*=\s*({VALUE})\s*ms\b"
_NEXT_ITEM = re.compile(_JUNK + _ITEM, re.IGNORECASE)
_ANY_ITEM = re.compile(r"\b" + _ITEM, re.IGNORECASE)
_BLOCK = re.compile(
    r"(?:\[I\]\s*|^[ \t>#]*)(Host Latency|Enqueue Time|GPU Compute)[ \t]*(?=\n|\[|$)"
    rf"|\b(min|max|mean|median|percentile):\s*({VALUE})\s*ms\b(?:\s+at\s+([0-9]{{1,3}}(?:\.[0-9]+)?)%)?"
    r"([ \t]*\(end to end)?",
    re.IGNORECASE | re.MULTILINE,
)
#: One whole report of TensorRT 7, in the order it is printed.
_CANON = (
    *((LATENCY, key) for key in ("", "min", "max", "mean", "median", "percentile")),
    *((ENQUEUE, key) for key in ("", "min", "max", "median")),
    *((GPU, key) for key in ("", "min", "max", "mean", "median", "percentile")),
)


@dataclass(frozen=True, slots=True)
class _Item:
    """One heading (empty key) or value of a TensorRT 7 report."""

    key: str
    section: str = ""
    value_ms: float | None = None
    level: float = 99.0
    has_end_to_end: bool = False


def parse_lists(text: str) -> tuple[list[Timing], list[Finding]]:
    """The sections of TensorRT 8 and later in cleaned text, named by the constants above, in their order.

    Where one section alone is there, its items count wherever they stand; a number without its unit (a cut line)
    never does.
    """
    labels = list(_LIST.finditer(text))
    timings, findings = [], []
    for label in labels:
        items = _items_after(text, label.end())
        if len(labels) == 1:
            loose = list(_ANY_ITEM.finditer(text))
            keys = [(found[1] or found[2]).lower() for found in loose]
            items = loose if len(set(keys)) == len(keys) else items
        values: dict[str, float] = {}
        percentiles: list[tuple[float, float]] = []
        for item in items:
            value = number(item[3])
            if value is None:
                findings.append(
                    Finding("not_a_number", f"{label[1]}: {item[1] or f'percentile({item[2]}%)'} is {item[3]!r}")
                )
            elif item[1]:
                values.setdefault(item[1].lower(), value)
            else:
                percentiles.append((float(item[2]), value))
        if values or percentiles:
            timings.append(_timing(_LABELS[label[1].lower()], values, percentiles))
    return timings, findings


def _items_after(text: str, position: int) -> list[re.Match[str]]:
    items = []
    found = _NEXT_ITEM.match(text, position)
    while found is not None:
        items.append(found)
        found = _NEXT_ITEM.match(text, found.end())
    return items


def _timing(name: str, values: dict[str, float], percentiles: Sequence[tuple[float, float]]) -> Timing:
    return Timing(
        name, values.get("min"), values.get("max"), values.get("mean"), values.get("median"), tuple(percentiles)
    )


def parse_blocks(text: str) -> tuple[list[Timing], list[Finding]]:
    """The sections of TensorRT 7 in cleaned text.

    A value line does not name its section. Lines must stand in the tool's order (some may be missing), or no section is
    returned and a finding says so; only a lone section whose values are all there takes them from anywhere.
    """
    items = list(_block_items(text))
    headings = [item for item in items if not item.key]
    if not headings:
        return [], []
    values = [item for item in items if item.key]
    sections = _attribute(items)
    if not sections and _is_lone(headings, values):
        sections = [(headings[0].section, values)]
    if not sections and values:
        message = "the lines of TensorRT 7 are out of order: no value can be told to be a section's"
        return [], [Finding("out_of_order", message)]
    timings = []
    for section, own in sections:
        named = {item.key: item.value_ms for item in own if item.value_ms is not None and item.key != "percentile"}
        levels = [(item.level, item.value_ms) for item in own if item.key == "percentile" and item.value_ms is not None]
        timings.append(_timing(section, named, levels))
    return timings, []


def _is_lone(headings: Sequence[_Item], values: Sequence[_Item]) -> bool:
    """Whether one section and nothing but its values is there, each once, with the mean (enqueue has none)."""
    keys = {item.key for item in values}
    return (
        len(headings) == 1
        and len(keys) == len(values)
        and {"min", "max", "mean"} <= keys
        and all(item.has_end_to_end == (headings[0].section == LATENCY) for item in values)
    )


def _block_items(text: str) -> Iterator[_Item]:
    for found in _BLOCK.finditer(text):
        if found[1]:
            yield _Item("", _LABELS[found[1].lower()])
        elif found[2].lower() != "percentile":
            yield _Item(found[2].lower(), "", number(found[3]), has_end_to_end=bool(found[5]))
        elif found[4]:
            yield _Item("percentile", "", number(found[3]), float(found[4]), bool(found[5]))


def _attribute(items: Sequence[_Item]) -> list[tuple[str, list[_Item]]]:
    """Sections with their values if the items are a subsequence of as many whole reports as they can be; else none."""
    headings = [item.section for item in items if not item.key]
    canon = list(_CANON) * max(headings.count(section) for section in headings)
    sections: list[tuple[str, list[_Item]]] = []
    position = 0
    heading_at = -1
    for item in items:
        while position < len(canon) and not _fits(canon[position], item):
            position += 1
        if position == len(canon):
            return []
        if not item.key:
            sections.append((item.section, []))
            heading_at = position
        elif sections and all(section == canon[position][0] for section, _ in canon[max(heading_at, 0) : position + 1]):
            sections[-1][1].append(item)
        position += 1
    return [(section, own) for section, own in sections if own]


def _fits(place: tuple[str, str], item: _Item) -> bool:
    """Whether an item may stand in that place of a report; only host latency has values with ``(end to end ...)``."""
    section, key = place
    if key != item.key:
        return False
    return section == item.section if not key else (section == LATENCY) == item.has_end_to_end

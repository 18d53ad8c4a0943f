"""Printed ratios against the numbers beside them: those that do not agree are noted, never repaired."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.parsing.published_cells import chips_in, is_ratio, value_in
from harness.parsing.table import plain

TOLERANCE = 0.01
"""How far a printed ratio may lie from its own numbers, relative; rounding to its digits is allowed for besides."""


def doubtful_ratios(header: Sequence[str], cells: Sequence[str]) -> dict[str, list[str]]:
    """For the chip on top of each ratio of a row, a note on every ratio that its own numbers do not give.

    Only ratios whose two chips have one column each are looked at.
    """
    values: dict[str, list[float]] = {}
    for head, cell in zip(header, cells, strict=True):
        for chip in () if is_ratio(head) else chips_in(head)[:1]:
            number = _number(cell)
            if number is not None:
                values.setdefault(chip.name, []).append(number)
    if len(values) < 2:
        return {}
    notes: dict[str, list[str]] = {}
    for head, cell in zip(header, cells, strict=True):
        top, slash, bottom = head.partition("/")
        chips = [*chips_in(top)[:1], *chips_in(bottom)[:1]]
        printed = re.fullmatch(r"(\d+(?:\.(\d+))?) ?倍?", plain(cell).strip("* "))
        if not slash or len(chips) != 2 or not printed or not is_ratio(head):
            continue
        numbers = [values.get(chip.name, []) for chip in chips]
        if any(len(each) != 1 for each in numbers):
            continue
        own = numbers[0][0] / numbers[1][0]
        rounding = 0.51 * 10.0 ** -len(printed[2] or "")
        if abs(float(printed[1]) - own) > TOLERANCE * own + rounding:
            notes.setdefault(chips[0].name, []).append(f"printed {head} = {printed[1]}, its own numbers give {own:.4g}")
    return notes


def _number(cell: str) -> float | None:
    try:
        value = value_in(plain(cell))
    except ValueError:
        return None
    return value.number if value else None

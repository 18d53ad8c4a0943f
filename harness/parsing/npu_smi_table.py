"""The tables of ``npu-smi info``: two rows a chip and the process table, for 310, 310P, 310B, 910, A2, A3 and 950.

Layouts as the tool's ``print_total_info*`` writes them in drivers 22 to 25: widths differ between versions and
READMEs edit them, so cells are split at ``|`` and blanks and told apart by what stands in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.parsing.npu_smi_rows import ChipRow, Process, check_row
from harness.parsing.text import Finding, integer, number

_ABSENT = ("NA", "N/A", "-")
_BUS = re.compile(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]{1,2}")
_NAMED = re.compile(r"([0-9]+)\s+(\S.*)")
_CHIP = re.compile(r"([0-9]+)(?:\s+([0-9]+|NA|-))?")
_FIRST = re.compile(r"([0-9.]+|NA|-)\s+(-?[0-9]+|NA|-)(?:\s+([0-9]+|NA)\s*/\s*([0-9]+|NA))?")
_SECOND = re.compile(r"([0-9]+|NA|-)((?:\s+(?:[0-9]+|NA)\s*/\s*(?:[0-9]+|NA)){1,2})")
_PAIR = re.compile(r"([0-9]+|NA)\s*/\s*([0-9]+|NA)")
_HEALTH = re.compile(r"[A-Za-z][A-Za-z _]*")
_IDLE = re.compile(r"No running processes? found in NPU\s+([0-9]+)(?:\s+[Cc]hip\s+([0-9]+))?(?=[\s|])")
_LETTERS = {"banner": "n", "border": "b", "header": "h", "first": "f", "second": "s"}

#: The line above the table: version of the tool, and version of the driver.
BANNER = re.compile(r"\bnpu-smi\s+(?:version:\s*)?([0-9][\w.]*)(?:\s+Version:\s*(\S+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """The tables of one text: chips, processes, and the (NPU, chip or None) that the tool calls free of processes."""

    rows: tuple[ChipRow, ...]
    processes: tuple[Process, ...]
    idle: tuple[tuple[int, int | None], ...]


def parse_table(text: str) -> tuple[Table, list[Finding]]:
    """The tables in cleaned text; rows whose halves cannot be told to belong together keep the first half only."""
    tokens: list[tuple[str, ChipRow | None]] = []
    processes: list[Process] = []
    lines = text.split("\n")
    has_processes = "Process id" in text
    titles = _titles(text)
    for position, line in enumerate(lines):
        if "|" not in line or set(line) <= set("+|=- "):
            if "-----" in line or "=====" in line:
                tokens.append(("border", None))
            continue
        is_last = position == len(lines) - 1
        cells = _cells(line, is_last=is_last)
        process = _process(cells) if has_processes else None
        if process is not None:
            processes.append(process)
        elif BANNER.search(line):
            tokens.append(("banner", None))
        elif any("Bus-Id" in cell or "Hugepages" in cell for cell in cells):
            tokens.append(("header", None))
        elif (first := _first_row(cells, is_last=is_last)) is not None:
            tokens.append(("first", first))
        elif (second := _second_row(cells, is_last=is_last)) is not None:
            tokens.append(("second", _with_title(second, titles)))
    idle = tuple(
        (int(found[1]), integer(found[2] or "")) for found in _IDLE.finditer(text) if integer(found[1]) is not None
    )
    rows, findings = _join(tokens)
    findings += [finding for row in rows for finding in check_row(row)]
    return Table(tuple(rows), tuple(processes), idle), findings


def _cells(line: str, *, is_last: bool) -> list[str]:
    """The cells between the bars.

    What follows the last bar is a cell too if it says something (a bar edited away), unless the text ends there (a
    line cut short).
    """
    parts = line.split("|")
    cells = [part.strip() for part in parts[1:-1]]
    return [*cells, parts[-1].strip()] if parts[-1].strip() and not is_last else cells


def _pair(used: str, total: str) -> tuple[int, int] | None:
    left, right = integer(used), integer(total)
    return (left, right) if left is not None and right is not None else None


def _absent(**words: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((key, word) for key, word in words.items() if word in _ABSENT)


def _first_row(cells: Sequence[str], *, is_last: bool) -> ChipRow | None:
    """The row with name, health, power and temperature; where the text ends within it, the cells that are whole."""
    if len(cells) == 4 and integer(cells[0]) is not None and integer(cells[1]) is None:
        cells = [f"{cells[0]} {cells[1]}", *cells[2:]]  # 950: a cell each for id and name
    named = _NAMED.fullmatch(cells[0]) if cells else None
    npu_id = integer(named[1]) if named else None
    if named is None or npu_id is None or len(cells) not in (2, 3) or _HEALTH.fullmatch(cells[1]) is None:
        return None
    if integer(named[2]) is not None and cells[1] in _ABSENT:
        return None  # the second row of a chip without a bus id
    row = ChipRow(npu_id, named[2].strip(), cells[1])
    stats = _FIRST.fullmatch(cells[2]) if len(cells) == 3 else None
    if stats is None:
        return row if is_last and len(cells) == 2 else None
    power, temperature, used, total = stats.groups()
    word = next((part for part in (used, total) if part in _ABSENT), None)
    return replace(
        row,
        power_w=number(power),
        temperature_c=int(temperature) if temperature not in _ABSENT else None,
        hugepages=_pair(used, total) if used else None,
        not_reported=_absent(power=power, temp=temperature, hugepages=word),
    )


def _second_row(cells: Sequence[str], *, is_last: bool) -> ChipRow | None:
    """The row with chip, bus, AI Core load and memory; where the text ends within it, the cells that are whole."""
    if len(cells) == 4 and not cells[0] and not cells[1]:
        chip_id, second_id, cells = None, None, cells[1:]  # 950: one chip a card, its cells left blank
    else:
        chip = _CHIP.fullmatch(cells[0]) if cells else None
        if chip is None:
            return None
        chip_id, second_id = integer(chip[1]), chip[2]
    if len(cells) not in (2, 3) or not (_BUS.fullmatch(cells[1]) or cells[1] in _ABSENT):
        return None
    row = ChipRow(
        chip_id=chip_id,
        device_id=integer(second_id or ""),
        bus_id=cells[1] if cells[1] not in _ABSENT else None,
        not_reported=_absent(bus=cells[1], device=second_id),
    )
    stats = _SECOND.fullmatch(cells[2]) if len(cells) == 3 else None
    if stats is None:
        return row if is_last and len(cells) == 2 else None
    pairs = _PAIR.findall(stats[2])
    words = [next((part for part in pair if part in _ABSENT), None) for pair in pairs]
    row = replace(
        row,
        aicore_percent=integer(stats[1]),
        memory_mb=_pair(*pairs[0]),
        not_reported=(*row.not_reported, *_absent(aicore=stats[1], mem=words[0])),
    )
    if len(pairs) == 2:
        row = replace(row, hbm_mb=_pair(*pairs[1]), not_reported=(*row.not_reported, *_absent(hbm=words[1])))
    return row


def _titles(text: str) -> tuple[bool, bool]:
    """Whether a header names the second id of a chip's row ``Device``, and ``Phy-ID``."""
    return re.search(r"Chip[ \t]+Device\b", text) is not None, "Phy-ID" in text


def _with_title(row: ChipRow, titles: tuple[bool, bool]) -> ChipRow:
    """The row with its second id under the header's name; without one it is physical beside HBM, unknown if cut."""
    is_device, is_physical = titles
    second = row.device_id
    if second is None or is_device:
        return row
    is_physical = is_physical or row.hbm_mb is not None
    is_known = is_physical or row.memory_mb is not None or row.aicore_percent is not None
    return replace(
        row, device_id=second if is_known and not is_physical else None, phy_id=second if is_physical else None
    )


def _process(cells: Sequence[str]) -> Process | None:
    if len(cells) not in (4, 5):
        return None
    chip, pid, memory = _CHIP.fullmatch(cells[0]), integer(cells[1]), integer(cells[3])
    npu_id = integer(chip[1]) if chip else None
    if chip is None or npu_id is None or pid is None or memory is None:
        return None
    container = integer(cells[4]) if len(cells) == 5 else None
    return Process(npu_id, integer(chip[2] or ""), pid, cells[2], memory, container)


def _join(tokens: Sequence[tuple[str, ChipRow | None]]) -> tuple[list[ChipRow], list[Finding]]:
    """Rows from their halves: a first row belongs with the second row right below it.

    Where the lines are out of order, only a single chip can still be joined; of several the first rows are kept as
    they are.
    """
    firsts = [row for kind, row in tokens if kind == "first" and row is not None]
    seconds = [row for kind, row in tokens if kind == "second" and row is not None]
    if len(firsts) == 1 and len(seconds) == 1:
        return [_merge(firsts[0], seconds[0])], []
    if not _in_order("".join(_LETTERS[kind] for kind, _ in tokens)):
        message = f"{len(firsts)} first and {len(seconds)} second rows are out of order: only first rows are kept"
        return firsts, [Finding("out_of_order", message)]
    rows, findings = [], []
    for position, (kind, row) in enumerate(tokens):
        if kind != "first" or row is None:
            continue
        below = tokens[position + 1] if position + 1 < len(tokens) else ("end", None)
        if below[0] == "second" and below[1] is not None:
            rows.append(_merge(row, below[1]))
        else:
            rows.append(row)
            findings.append(
                Finding("row_incomplete", f"NPU {row.npu_id}: its row with chip, bus and memory is missing")
            )
    return rows, findings


def _in_order(letters: str) -> bool:
    """Whether the tool can have printed this order: every second row below a first, every table below its header."""
    if re.search(r"(?:^|[^f])s", letters):
        return False
    headers = re.findall(r"h+", letters)
    return not headers or (not re.search(r"^[^h]*[fs]", letters) and len(headers) <= max(1, letters.count("n")))


def _merge(first: ChipRow, second: ChipRow) -> ChipRow:
    return replace(
        second,
        npu_id=first.npu_id,
        name=first.name,
        health=first.health,
        power_w=first.power_w,
        temperature_c=first.temperature_c,
        hugepages=first.hugepages,
        not_reported=(*first.not_reported, *second.not_reported),
    )

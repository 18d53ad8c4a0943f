"""The ``label : value`` queries of npu-smi (``-l``, ``-t board usages memory power temp health common``) and ``-m``.

A chip's values stand between blank lines with the line ``Chip ID`` (or ``Chip Name`` of the MCU) at their beginning
(``common``) or at their end (``usages temp power``); labels as in ``npu-smi`` of drivers 21 to 25.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.parsing.text import Finding, cut_finding, integer, number

_LINE = re.compile(r"^[\s>#|]*([A-Z][A-Za-z0-9 _/\-]*?(?:\s?\([A-Za-z%]{1,4}\))?)\s*: ?(.*)$")
_MAP_TITLES = re.compile(r"NPU ID|Slot ID|Chip ID|Chip Logic ID|Chip Phy-ID|Chip Name")
_MAP_KEYS = {
    "NPU ID": "npu",
    "Slot ID": "slot",
    "Chip ID": "chip",
    "Chip Logic ID": "logic",
    "Chip Phy-ID": "phy",
    "Chip Name": "name",
}
_ABSENT = ("", "NA", "N/A", "-")

#: Labels with a number behind them, without blanks, in lower case: the name they are given here.
NUMBERS = {
    "npuid": "npu_id",
    "chipid": "chip_id",
    "chipcount": "chip_count",
    "totalcount": "card_count",
    "cardcount": "card_count",
    "chipfault": "chip_faults",
    "faultychipcount": "chip_faults",
    "slotid": "slot_id",
    "chiplogicid": "device_id",
    "ddrcapacity(mb)": "memory_total_mb",
    "memorycapacity(mb)": "memory_total_mb",
    "capacity(mb)": "memory_total_mb",
    "totalddrcapacity(mb)": "memory_installed_mb",
    "totalcapacity(mb)": "memory_installed_mb",
    "ddrusagerate(%)": "memory_percent",
    "memoryusagerate(%)": "memory_percent",
    "hbmcapacity(mb)": "hbm_total_mb",
    "hbmusagerate(%)": "hbm_percent",
    "ddrclockspeed(mhz)": "memory_mhz",
    "clockspeed(mhz)": "memory_mhz",
    "hbmclockspeed(mhz)": "hbm_mhz",
    "hbmtemperature(c)": "hbm_temperature_c",
    "aicoreusagerate(%)": "aicore_percent",
    "aivectorusagerate(%)": "aivector_percent",
    "aicubeusagerate(%)": "aicube_percent",
    "vectorcoreusagerate(%)": "vectorcore_percent",
    "aicpuusagerate(%)": "aicpu_percent",
    "ctrlcpuusagerate(%)": "ctrlcpu_percent",
    "ddrbandwidthusagerate(%)": "memory_bandwidth_percent",
    "memorybandwidthusagerate(%)": "memory_bandwidth_percent",
    "hbmbandwidthusagerate(%)": "hbm_bandwidth_percent",
    "npuutilization(%)": "npu_percent",
    "ddrhugepagestotal(page)": "hugepages_total",
    "hugepagestotal(page)": "hugepages_total",
    "ddrhugepagesusagerate(%)": "hugepages_percent",
    "hugepagesusagerate(%)": "hugepages_percent",
    "aicorefreq(mhz)": "aicore_max_mhz",
    "aicorecurfreq(mhz)": "aicore_mhz",
    "aicorecount": "aicore_count",
    "temperature(c)": "temperature_c",
    "nputemperature(c)": "temperature_c",
    "npureal-timepower(w)": "power_w",
    "powerdissipation(w)": "power_w",
    "ratedpowerdissipation(w)": "rated_power_w",
}
#: Labels with words behind them.
WORDS = {
    "productname": "product_name",
    "model": "model",
    "manufacturer": "manufacturer",
    "serialnumber": "serial_number",
    "softwareversion": "driver_version",
    "firmwareversion": "firmware_version",
    "compatibility": "compatibility",
    "boardid": "board_id",
    "pcbid": "pcb_id",
    "bomid": "bom_id",
    "pciebusinfo": "bus_id",
    "chipname": "name",
    "npuname": "npu_name",
    "chiptype": "chip_type",
    "chipversion": "chip_version",
    "healthstatus": "health",
    "health": "health",
    "errorcode": "error_code",
    "errorinformation": "error_information",
}
_CARD = {"npu_id", "chip_count", "card_count"}
_IDENTITY = {"chip_id", "name"}


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of one chip (of the card or its MCU where ``chip_id`` is None), named as in ``NUMBERS`` and ``WORDS``.

    What the chip does not report (``NA``, ``-``) is not in ``values``.
    """

    npu_id: int | None
    chip_id: int | None
    values: tuple[tuple[str, float | str], ...]

    def number(self, name: str) -> float | None:
        """The number of that name, or None where it is not reported."""
        value = dict(self.values).get(name)
        return float(value) if isinstance(value, int | float) else None

    def word(self, name: str) -> str | None:
        """The words of that name, or None where they are not reported."""
        value = dict(self.values).get(name)
        return value if isinstance(value, str) else None

    def to_json(self) -> dict[str, float | str]:
        """Keys ``npu chip`` where known, then the values by name."""
        out: dict[str, float | str] = {}
        if self.npu_id is not None:
            out["npu"] = self.npu_id
        if self.chip_id is not None:
            out["chip"] = self.chip_id
        return {**out, **dict(self.values)}


@dataclass(frozen=True, slots=True)
class MapRow:
    """One row of ``npu-smi info -m``; the logic id, which is the device id, is None for the MCU (printed ``-``)."""

    npu_id: int
    chip_id: int | None
    logic_id: int | None
    name: str
    phy_id: int | None = None

    def to_json(self) -> dict[str, object]:
        """Keys ``npu chip logic name``, and ``phy`` on chips that have one."""
        out: dict[str, object] = {"npu": self.npu_id, "chip": self.chip_id, "logic": self.logic_id, "name": self.name}
        return out if self.phy_id is None else {**out, "phy": self.phy_id}


def parse_map(text: str) -> list[MapRow]:
    """The rows of ``npu-smi info -m`` in cleaned text; none without the heading, which says what the columns are."""
    lines = text.split("\n")
    heading = next((_MAP_TITLES.findall(line) for line in lines if "NPU ID" in line and "Chip Name" in line), [])
    keys = [_MAP_KEYS[title] for title in heading]
    if "npu" not in keys or keys[-1] != "name":
        return []
    row = re.compile(r"[\s>#|]*" + r"\s+".join([r"([0-9]+|-|N/?A)"] * (len(keys) - 1)) + r"\s+(\S.*?)\s*")
    rows = []
    for position, line in enumerate(lines):
        found = row.fullmatch(line)
        if found is None or position == len(lines) - 1:  # a last line without its end may be cut within the name
            continue
        values = dict(zip(keys, found.groups(), strict=True))
        npu_id = integer(values["npu"])
        if npu_id is not None:
            chip, logic, phy = (integer(values.get(key, "")) for key in ("chip", "logic", "phy"))
            rows.append(MapRow(npu_id, chip, logic, values["name"], phy))
    return rows


def parse_readings(text: str) -> tuple[list[Reading], list[Finding]]:
    """The values of all cards and chips in cleaned text, in their order.

    Values that cannot be told to belong to one chip (a label twice in a block, lines out of order) are left out and
    flagged.
    """
    readings: list[Reading] = []
    findings: list[Finding] = []
    npu_id: int | None = None
    for block in _blocks(text):
        values: dict[str, float | str] = {}
        npu_id = next((int(value) for name, value in block if name == "npu_id" and isinstance(value, float)), npu_id)
        ambiguous = {name for name, value in block for other, another in block if name == other and value != another}
        if ambiguous - _CARD:
            message = f"{', '.join(sorted(ambiguous))} appear twice in one block: the lines are out of order"
            findings.append(Finding("out_of_order", message))
            continue
        values = {name: value for name, value in block if value != "" and name != "npu_id"}
        chip = values.pop("chip_id", None)
        chip_id = int(chip) if isinstance(chip, float) else None
        if values or chip_id is not None or any(name == "npu_id" for name, _ in block):
            readings.append(Reading(npu_id, chip_id, tuple(values.items())))
    last = text.rsplit("\n", 1)[-1]
    if _entry(last) is not None:
        findings.append(cut_finding("the last line", last.strip()))
    return readings, findings


def _blocks(text: str) -> list[list[tuple[str, float | str]]]:
    """Runs of known labels that belong to one chip or card; a value that is not reported is the empty string."""
    blocks: list[list[tuple[str, float | str]]] = [[]]
    lines = text.split("\n")
    for position, line in enumerate(lines):
        entry = _entry(line) if position < len(lines) - 1 else None  # a last line without its end may be cut short
        if entry is None:
            if not line.strip():
                blocks.append([])
        elif entry[0] == "npu_id" and blocks[-1]:
            blocks.append([entry])
        else:
            blocks[-1].append(entry)
    return [part for block in blocks if block for part in _chips(block)]


def _entry(line: str) -> tuple[str, float | str] | None:
    found = _LINE.match(line)
    if found is None:
        return None
    label, words = re.sub(r"\s", "", found[1]).lower(), found[2].strip()
    if label in WORDS:
        return WORDS[label], "" if words in _ABSENT else words
    if label not in NUMBERS:
        return None
    value = number(words)
    return NUMBERS[label], "" if value is None else value


def _chips(block: Sequence[tuple[str, float | str]]) -> list[list[tuple[str, float | str]]]:
    """A block split where it holds several chips, because the blank lines between them were lost."""
    names = [name for name, _ in block]
    marks = [position for position, name in enumerate(names) if name in _IDENTITY]
    if len(set(names)) == len(names) or not marks:
        return [list(block)]
    body = next((position for position, name in enumerate(names) if name not in _CARD), 0)
    if marks[0] == body:
        cuts = [0, *marks[1:], len(names)]
    elif marks[-1] == len(names) - 1:
        cuts = [0, *(mark + 1 for mark in marks)]
    else:
        return [list(block)]
    return [list(block[start:end]) for start, end in pairwise(cuts) if end > start]

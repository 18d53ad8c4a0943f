"""npu-smi: text of ``npu-smi info`` and of its queries, in any mixture, to ``NpuSmi``."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from harness.parsing.failures import Failure, classify_cleaned
from harness.parsing.npu_smi_query import MapRow, Reading, parse_map, parse_readings
from harness.parsing.npu_smi_rows import ChipRow, Process
from harness.parsing.npu_smi_table import BANNER, Table, parse_table
from harness.parsing.text import Finding, clean, cut_finding, integer, is_cut, not_understood

_PROCESS = re.compile(
    r"Process id:\s*([0-9]+)\s+Process name:[ \t]*([^\n]{0,200}?)[ \t]+Process memory\(MB\):\s*([0-9]+)(?=\s)"
)
_NPU = re.compile(r"NPU ID\s*:\s*([0-9]+)")
_CHIP = re.compile(r"Chip ID\s*:\s*([0-9]+)")
#: Which query prints which value; the first that is there names the command.
_QUERIES = {
    "card_count": "-l",
    "driver_version": "-t board",
    "chip_version": "-t board",
    "aicore_max_mhz": "-t common",
    "ctrlcpu_percent": "-t usages",
    "memory_mhz": "-t memory",
    "hbm_mhz": "-t memory",
    "health": "-t health",
    "temperature_c": "-t temp",
    "power_w": "-t power",
    "rated_power_w": "-t power",
}


@dataclass(frozen=True, slots=True)
class NpuSmi:
    """What the text of one or several npu-smi commands says.

    Attributes:
        npu_smi_version: of the tool, from the banner.
        driver_version: from the banner's ``Version``; it can differ from the tool's.
        rows: the chips of ``npu-smi info``.
        processes: its process table, or that of ``-t proc-mem``.
        idle: the (NPU, chip or None) that it calls free of processes.
        mapping: the rows of ``-m``: NPU and chip id to device (logic) id.
        readings: the values of ``label : value`` queries.
        failure: why the tool could not answer.
        findings: contradictions and remarks.

    """

    npu_smi_version: str | None
    driver_version: str | None
    rows: tuple[ChipRow, ...]
    processes: tuple[Process, ...]
    idle: tuple[tuple[int, int | None], ...]
    mapping: tuple[MapRow, ...]
    readings: tuple[Reading, ...]
    failure: Failure | None
    findings: tuple[Finding, ...]

    def processes_on(self, npu_id: int, chip_id: int | None = None) -> tuple[Process, ...] | None:
        """The processes on an NPU (on one of its chips); None where the text does not say whether there are any."""
        own = tuple(
            process
            for process in self.processes
            if process.npu_id == npu_id and (chip_id is None or process.chip_id in (None, chip_id))
        )
        known = {process.npu_id for process in self.processes} | {npu for npu, _ in self.idle}
        return own if own or npu_id in known else None


def parse(text: str) -> NpuSmi:
    """What the text says; tables, mapping and queries may follow each other.

    Raises:
        ParseError: nothing of npu-smi was recognised.

    """
    cleaned = clean(text)
    table, findings = parse_table(cleaned)
    table = replace(table, processes=(*table.processes, *_queried_processes(cleaned)))
    readings, more = parse_readings(cleaned)
    findings += more
    mapping = parse_map(cleaned)
    tool, driver = None, None
    banner = BANNER.search(cleaned)
    if banner is not None:
        tool = banner[1] if not is_cut(cleaned, banner.end(1)) else None
        driver = banner[2]
        if driver is not None and is_cut(cleaned, banner.end(2)):
            findings.append(cut_finding("Version", driver))
            driver = None
    failure = None if table.rows or mapping else classify_cleaned(cleaned, None)
    if readings and failure and failure.category != "device":
        failure = None
    if not (table.rows or table.processes or table.idle or readings or mapping or tool or failure):
        raise not_understood(
            "npu-smi", cleaned, "the table of `npu-smi info`, a query's `label : value` lines or a mapping"
        )
    return NpuSmi(
        tool,
        driver,
        table.rows,
        table.processes,
        table.idle,
        tuple(mapping),
        tuple(readings),
        failure,
        (*findings, *_check_chips(table)),
    )


def _queried_processes(text: str) -> list[Process]:
    """The processes of ``npu-smi info -t proc-mem``, with the NPU named before them and the chip named after them."""
    npus = [(found.start(), integer(found[1])) for found in _NPU.finditer(text)]
    chips = [(found.start(), integer(found[1])) for found in _CHIP.finditer(text) if not is_cut(text, found.end())]
    processes = []
    for found in _PROCESS.finditer(text):
        npu_id = next((npu for start, npu in reversed(npus) if start < found.start()), None)
        chip_id = next((chip for start, chip in chips if start > found.end()), None)
        pid, memory_mb = integer(found[1]), integer(found[3])
        if npu_id is not None and pid is not None and memory_mb is not None:
            processes.append(Process(npu_id, chip_id, pid, found[2].strip(), memory_mb))
    return processes


def _check_chips(table: Table) -> list[Finding]:
    seen = [(row.npu_id, row.chip_id) for row in table.rows if row.chip_id is not None]
    twice = [f"NPU {npu} chip {chip}" for (npu, chip), count in Counter(seen).items() if count > 1]
    if not twice:
        return []
    return [
        Finding("several_tables", f"{', '.join(twice)} listed more than once: several tables in one text", "remark")
    ]


def _command(parsed: NpuSmi) -> str | None:
    if parsed.mapping:
        return "npu-smi info -m"
    if parsed.rows or parsed.processes or parsed.idle:
        return "npu-smi info"
    names = {name for reading in parsed.readings for name, _ in reading.values}
    query = next((query for name, query in _QUERIES.items() if name in names), None)
    return f"npu-smi info {query}" if query else None


def to_json(parsed: NpuSmi) -> dict[str, Any]:
    """JSON values; keys ``rows`` (always), ``npu_smi version cmd map processes idle readings`` where known."""
    out: dict[str, Any] = {"rows": [row.to_json() for row in parsed.rows]}
    command = _command(parsed)
    optional: dict[str, Any] = {
        "cmd": command,
        "npu_smi": parsed.npu_smi_version,
        "version": parsed.driver_version,
        "processes": [process.to_json() for process in parsed.processes],
        "idle": [npu for npu, _ in parsed.idle],
        "map": [row.to_json() for row in parsed.mapping],
        "readings": [reading.to_json() for reading in parsed.readings],
        "failure": parsed.failure.to_json() if parsed.failure else None,
    }
    out.update({key: value for key, value in optional.items() if value})
    out["findings"] = [finding.to_json() for finding in parsed.findings]
    return out

"""The rows of npu-smi's tables: one chip, one process."""

from __future__ import annotations

from dataclasses import dataclass

from harness.parsing.text import Finding


@dataclass(frozen=True, slots=True)
class ChipRow:
    """One chip of the table; None where the tool has no such column or prints ``NA`` or ``-``.

    Attributes:
        npu_id: the card's id, not a device id: 4, 12, 2144 ...
        chip_id: the chip on that card.
        device_id: the chip's logic id, which ais_bench takes as ``--device`` (310, 310P).
        phy_id: the die's physical id (A3).
        memory_mb: (used, total) in MB.
        hbm_mb: (used, total) in MB, 910 and later.
        hugepages: (used, total) in pages.
        not_reported: pairs (JSON key, the word printed instead of a value).

    """

    npu_id: int | None = None
    name: str | None = None
    health: str | None = None
    power_w: float | None = None
    temperature_c: int | None = None
    hugepages: tuple[int, int] | None = None
    chip_id: int | None = None
    device_id: int | None = None
    phy_id: int | None = None
    bus_id: str | None = None
    aicore_percent: int | None = None
    memory_mb: tuple[int, int] | None = None
    hbm_mb: tuple[int, int] | None = None
    not_reported: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, object]:
        """Keys ``npu name health power temp hugepages chip device phy bus aicore mem hbm``; ``NA`` where printed."""
        values: dict[str, object] = {
            "npu": self.npu_id,
            "name": self.name,
            "health": self.health,
            "power": self.power_w,
            "temp": self.temperature_c,
            "hugepages": list(self.hugepages) if self.hugepages else None,
            "chip": self.chip_id,
            "device": self.device_id,
            "phy": self.phy_id,
            "bus": self.bus_id,
            "aicore": self.aicore_percent,
            "mem": list(self.memory_mb) if self.memory_mb else None,
            "hbm": list(self.hbm_mb) if self.hbm_mb else None,
        }
        words = dict(self.not_reported)
        merged = {key: words.get(key) if value is None else value for key, value in values.items()}
        return {key: value for key, value in merged.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Process:
    """One row of the process table; the chip is None on 950, the container's pid where none is printed."""

    npu_id: int
    chip_id: int | None
    pid: int
    name: str
    memory_mb: int
    container_pid: int | None = None

    def to_json(self) -> dict[str, object]:
        """Keys ``npu chip pid name memory container_pid``, without those that are absent."""
        values = {
            "npu": self.npu_id,
            "chip": self.chip_id,
            "pid": self.pid,
            "name": self.name,
            "memory": self.memory_mb,
            "container_pid": self.container_pid,
        }
        return {key: value for key, value in values.items() if value is not None}


def check_row(row: ChipRow) -> list[Finding]:
    """What cannot be true of a chip's row, and a health that is not OK."""
    findings = []
    where = f"NPU {row.npu_id} chip {row.chip_id}"
    if row.health is not None and row.health.upper() != "OK":
        findings.append(Finding("unhealthy", f"{where}: health {row.health}", "remark"))
    for what, pair in (("memory", row.memory_mb), ("HBM", row.hbm_mb), ("hugepages", row.hugepages)):
        if pair is not None and pair[0] > pair[1]:
            findings.append(Finding("used_above_total", f"{where}: {what} {pair[0]} of {pair[1]}"))
    is_910 = (row.name or "").replace("Ascend", "").strip().startswith("910")
    if is_910 and row.hbm_mb is None and row.device_id is not None:
        message = f"{where}: {row.name} has HBM and no Device column: the name in this table was edited"
        findings.append(Finding("name_contradicts_columns", message))
    return findings

"""The stand-in for npu-smi: ``info``, ``info -l``, ``info -m`` and the queries ``info -t WHAT -i NPU [-c CHIP]``.

A card a device, whose NPU id is not the device id, as on real hosts (ASCEND.md, section f). Formats: drivers 22.0.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.config.simulator import SimulatorSettings
from harness.simulator.options import options

VERSION, DRIVER, FIRMWARE = "22.0.2", "22.0.2", "1.82.22.2.220"
FIRST_NPU = 4
"""The NPU id of device 0."""
BUSY_PERCENT = 87
BORDER = "+-------------------+-----------------+------------------------------------------------------+"
RULE = "+===================+=================+======================================================+"


def main(arguments: Sequence[str]) -> int:
    """Answer a command line; returns the exit status."""
    words, settings = list(arguments), options()
    if settings.fail == "container":
        print("DrvMngGetConsoleLogLevel failed. (g_conLogLevel=3)")
        print("dcmi model initialized failed, because the device is used. ret is -8020")
        return 1
    if settings.fail == "driver_library_missing":
        print(
            "npu-smi: error while loading shared libraries: libdcmi.so: cannot open shared object file: "
            "No such file or directory",
            file=sys.stderr,
        )
        return 127
    if words in (["-v"], ["--version"]):
        print(f"npu-smi version: {VERSION}")
    elif words == ["info"]:
        print("\n".join(table(settings)))
    elif words == ["info", "-l"]:
        print(f"\tTotal Count                    : {settings.devices}")
        for npu in _npus(settings):
            print(f"\n\tNPU ID                         : {npu}\n\tChip Count                     : 1")
    elif words == ["info", "-m"]:
        print("\n".join(mapping(settings)))
    elif words[:2] == ["info", "-t"] and len(words) > 2:
        return _query(words[2:], settings)
    else:
        print("Error parameter of info. Use npu-smi info -h for help.")
        return 1
    return 0


def table(settings: SimulatorSettings) -> list[str]:
    """The lines of ``npu-smi info``, the process table included."""
    name = settings.chip.removeprefix("Ascend")
    used, total, busy = round(settings.idle_memory_mb), round(settings.memory_mb), settings.fail == "device_busy"
    lines = [
        "+--------------------------------------------------------------------------------------------+",
        f"| npu-smi {VERSION:<28} Version: {DRIVER:<46} |",
        BORDER,
        "| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |",
        "| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |",
        RULE,
    ]
    for device, npu in enumerate(_npus(settings)):
        percent = BUSY_PERCENT if busy else 0
        lines += [
            f"| {npu:<7} {name:<9} | OK              | 16.6         42                0    / 0              |",
            f"| 0       {device:<9} | 0000:{0x3B + device:02X}:00.0    | {percent:<12} {used:<5}/ {total:<31} |",
            RULE,
        ]
    head = "| NPU     Chip      | Process id      | Process name             | Process memory(MB)        |"
    lines += [BORDER, head, RULE]
    for npu in _npus(settings):
        if busy:
            lines.append(
                f"| {npu:<7} 0         | 4711            | python3                  | 2048                      |"
            )
        else:
            lines.append(f"| No running processes found in NPU {npu:<56} |")
        lines.append(RULE)
    return lines


def mapping(settings: SimulatorSettings) -> list[str]:
    """The lines of ``npu-smi info -m``: the chip of each card, and its management unit without a device id."""
    heads = ("NPU ID", "Chip ID", "Chip Logic ID", "Chip Name")
    lines = ["".join(f"{head:<31}" for head in heads).rstrip()]
    for device, npu in enumerate(_npus(settings)):
        rows = ((npu, 0, device, settings.chip), (npu, 1, "-", "Mcu"))
        lines += ["".join(f"{cell!s:<31}" for cell in row).rstrip() for row in rows]
    return lines


def _query(words: Sequence[str], settings: SimulatorSettings) -> int:
    kind, given = words[0], dict(zip(words[1::2], words[2::2], strict=False))
    npus = _npus(settings)
    npu = given.get("-i", "")
    if not npu.isdigit() or int(npu) not in npus:
        print(f"Error parameter of -i. The NPU ID {npu or '(none)'} is not found; use npu-smi info -l.")
        return 1
    chip = given.get("-c")
    rows = _rows(kind, chip, settings)
    if rows is None:
        words_ = "Error parameter of -t" if kind not in _KINDS else f"This device does not support querying {kind}."
        print(words_)
        return 1
    lines = [("NPU ID", npu), ("Chip Count", "1")] if chip is None else []
    for label, value in [*lines, *rows]:
        print(f"\t{label:<30} : {value}")
    return 0


_KINDS = ("board", "usages", "memory", "power", "temp", "health", "common")


def _rows(kind: str, chip: str | None, settings: SimulatorSettings) -> list[tuple[str, str]] | None:
    """The labels and values of a query; None where the chip does not report it."""
    total = round(settings.memory_mb)
    percent = round(100 * settings.idle_memory_mb / settings.memory_mb)
    busy = str(BUSY_PERCENT if settings.fail == "device_busy" else 0)
    end = [("Chip ID", chip or "0")]
    if kind == "board":
        if chip is None:
            return [("Software Version", DRIVER), ("Firmware Version", FIRMWARE), ("PCIe Bus Info", "0000:3B:00.0")]
        return [("Chip Name", settings.chip.removeprefix("Ascend")), ("Chip Version", "V1"), *end]
    rows = {
        "usages": [
            ("DDR Capacity(MB)", str(total)),
            ("DDR Usage Rate(%)", str(percent)),
            ("Aicore Usage Rate(%)", busy),
            ("Aicpu Usage Rate(%)", "0"),
            ("Ctrlcpu Usage Rate(%)", "3"),
        ],
        "memory": [("Total DDR Capacity(MB)", str(total)), ("DDR Clock Speed(MHz)", "2133")],
        "temp": [("Temperature (C)", "42")],
        "health": [("Health Status", "OK")],
        "common": [("Aicore Freq(MHZ)", "1080"), ("Aicore curFreq(MHZ)", "960")],
    }.get(kind)
    return None if rows is None else [*rows, *end]


def _npus(settings: SimulatorSettings) -> list[int]:
    return [FIRST_NPU + 2 * device for device in range(settings.devices)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The sampler: one process that reads a device at a steady rate and writes what it sees to a CSV file.

``python -m harness.devices.sampler SOC_VERSION DEVICE_ID|- PERIOD_S FILE``. It is bound to one core, says ``ready``
when the first reading is written, and ends when its standard input does: with whoever started it, however that ended.
"""

from __future__ import annotations

import csv
import gc
import os
import select
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import IO, Any

from harness.devices.registry import reader
from harness.devices.sample import Reader, Sample

COLUMNS = tuple(field.name for field in fields(Sample))
FLUSH_S = 5.0
"""How much a kill may cost."""


def main(arguments: list[str]) -> int:
    """Sample until standard input ends; returns the exit status."""
    name, device, period, file = arguments
    _bind()
    device_id = None if device == "-" else int(device)
    with Path(file).open("w", encoding="utf-8", newline="") as out:
        sample_until_closed(reader(name, device_id=device_id), float(period), out, sys.stdin.fileno())
    return 0


def sample_until_closed(device: Reader, period_s: float, out: IO[str], stopped: int) -> None:
    """Write a row of ``COLUMNS`` each ``period_s`` until the file descriptor ``stopped`` has something to read.

    A reading that takes longer than the period is followed by the next one at once; none are made up for.
    """
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    gc.freeze()
    due = flushed = time.monotonic()
    told = False
    while True:
        writer.writerow(_cells(device.read()))
        if not told:
            out.flush()
            print("ready", flush=True)
            told = True
        now = time.monotonic()
        if now - flushed > FLUSH_S:
            out.flush()
            flushed = now
        due = max(due + period_s, now)
        if select.select([stopped], [], [], due - now)[0]:
            return


def _cells(sample: Sample) -> list[Any]:
    """Absent values are empty; six decimals of a time, six digits of the rest."""
    cells: list[Any] = []
    for name in COLUMNS:
        value = getattr(sample, name)
        if name == "time_s":
            cells.append(f"{value:.6f}")
        elif isinstance(value, tuple):
            cells.append("+".join(value))
        else:
            cells.append("" if value is None else f"{value:.6g}" if isinstance(value, float) else value)
    return cells


def _bind() -> None:
    """Keep to the last core that this process may use, so that it never moves through those that compute."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Starts and ends the sampler around a measurement, and reads back its series."""

from __future__ import annotations

import csv
import os
import select
import subprocess
import sys
from pathlib import Path

import numpy as np

from harness.devices.sampler import COLUMNS
from harness.timing.telemetry import Series

READY_S = 20.0
"""How long the sampler may take to read for the first time: npu-smi takes up to 2 s a call."""
END_S = 30.0


class Sampling:
    """A running sampler; ``stop`` ends it and returns its series. One that does not start costs the telemetry only."""

    def __init__(self, soc_version: str, device_id: int | None, period_s: float, file: Path) -> None:
        """Start it and wait until its first reading is written, so that its start is over before anything is timed."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file = file
        self.problem: str | None = None
        words = [soc_version, "-" if device_id is None else str(device_id), str(period_s), os.fspath(file)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.devices.sampler", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        out = self._process.stdout
        if out is None or not select.select([out], [], [], READY_S)[0] or out.readline() != b"ready\n":
            self.problem = f"the sampler gave no reading within {READY_S:g} s"
            self._process.kill()

    @property
    def pid(self) -> int:
        """The sampler's process."""
        return self._process.pid

    def stop(self) -> Series | None:
        """End the sampler; its series, or None where there is none."""
        try:
            self._process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return None if self.problem else read_series(self.file)


def read_series(file: Path) -> Series | None:
    """The series in a sampler's file; a last line that was cut off is left out. None without a single reading."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row.get("time_s") and None not in row.values()]
    except OSError:
        return None
    if not rows:
        return None
    columns = {
        name: np.asarray([float(row[name]) if row.get(name) else np.nan for row in rows])
        for name in COLUMNS
        if name != "throttle_reasons"
    }
    return Series(columns, tuple(row.get("throttle_reasons") or "" for row in rows))

"""How long a report over many records takes, and how much memory: ``python benchmarks/report.py records=10000``.

The records are made in a temporary home: four models on a 310P and on a CPU, five batch sizes, measured again and again
in many sweeps, each ``record.json`` filled up to 16 KB with packages and operators, as real ones are. Each report is a
fresh process; its time is given by the clock and by the processor. The goal is 5 s and 1 GB for 10 000.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.commands.arguments import argument, read_arguments  # noqa: E402
from harness.records.io import RECORD_FILE, record_folder  # noqa: E402
from tests.report.folders import keep, measured  # noqa: E402

MODELS = ("swin97", "swin98", "swin99", "swin100")
DEVICES = (("Ascend310P3", "ascend", "fp16", 16.0), ("cpu", "onnxruntime", "fp32", 0.4))
SIZES = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Arguments:
    """Time a report over many records."""

    records: int = argument("how many", default=10_000)
    size_bytes: int = argument("of each record.json", default=16_384)
    times: int = argument("how often each report is timed", default=3)


def make(home: Path, total: int, size_bytes: int) -> None:
    """Write the records. One of each cell is made as the harness does it, the others differ by sweep and start."""
    cells = list(product(MODELS, DEVICES, SIZES))
    contents = []
    for model, (chip, backend, precision, per_s), size in cells:
        record = measured(size, per_s, model=model, chip=chip, backend=backend, precision=precision, sweep="template")
        path = keep(record, home / "template") / RECORD_FILE
        contents.append((record.name, _filled(path.read_bytes(), size_bytes)))
    for number in range(total):
        sweep, cell = divmod(number, len(cells))
        name, content = contents[cell]
        sweep_id = f"20260101-{sweep:06d}-many"
        folder = record_folder(home, sweep_id, name)
        folder.mkdir(parents=True)
        started = f"2026-01-{1 + sweep // 1440:02d}T{sweep // 60 % 24:02d}:{sweep % 60:02d}"
        changed = content.replace(b"template", sweep_id.encode()).replace(b"2026-01-01T00:00", started.encode())
        (folder / RECORD_FILE).write_bytes(changed)


def _filled(content: bytes, size_bytes: int) -> bytes:
    """The record with packages and operators until it has its size."""
    record = json.loads(content)
    packages: dict[str, str] = {}
    record["environment"]["packages"] = packages
    record["graph"] = {"operators": {f"Operator{number}": number for number in range(100)}}
    while len(json.dumps(record, indent=1)) < size_bytes:
        packages[f"package-{len(packages)}"] = "1.2.3+local"
    return json.dumps(record, indent=1).encode()


def timed(words: list[str]) -> tuple[float, float, float]:
    """Seconds by the clock, seconds of processor, and peak resident 10^9 bytes of one fresh process."""
    began = time.perf_counter()
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "harness.report", *words],
        {**os.environ, "PYTHONPATH": str(ROOT)},
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"the report failed with status {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9


def main() -> None:
    """Make the records and print the time and the memory of each report."""
    wanted = read_arguments(Arguments, sys.argv[1:], command="python benchmarks/report.py")
    with tempfile.TemporaryDirectory(prefix="harness-report-") as name:
        home = Path(name)
        make(home, wanted.records, wanted.size_bytes)
        reports = {"all": [], "one model": ["model=swin98"], "html": ["format=html"], "json": ["format=json"]}
        for label, words in reports.items():
            for _ in range(wanted.times):
                took_s, processor_s, peak_gb = timed([f"records={home}", *words])
                figures = f"{took_s:.2f} s ({processor_s:.2f} s of processor), {peak_gb:.2f} GB"
                print(f"{label}: {wanted.records} records in {figures}", flush=True)


if __name__ == "__main__":
    main()

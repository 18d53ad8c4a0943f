"""How fast records reach a local SQLite store: ``python benchmarks/publish.py [RECORDS]`` (10 000 unless given).

Records are made in a temporary home, sweeps of 200 cells with three rounds, logs, samples and an ONNX file that they
share, then published by ``python -m harness.publish`` from nothing, and once more when there is nothing to send.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.tracking.synthetic import make_record  # noqa: E402

PER_SWEEP = 200


def main() -> int:
    """Print records per second of the first and of the second publication; the status of the last one."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(prefix="harness-publish-") as name:
        home = Path(name)
        for number in range(total):
            sweep, cell = divmod(number, PER_SWEEP)
            make_record(home, sweep=f"20260101-120000-swin98-{sweep:04x}", cell=cell, name=f"swin98-cpu-{cell}")
        status = 0
        for what in ("from nothing", "nothing to send"):
            began = time.monotonic()
            command = [sys.executable, "-m", "harness.publish", f"home={home}"]
            status = subprocess.run(command, cwd=ROOT, check=False).returncode
            took_s = time.monotonic() - began
            print(f"{what}: {total} records in {took_s:.0f} s, {total / took_s:.1f} a second", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())

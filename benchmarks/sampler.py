"""What does telemetry cost? `python benchmarks/sampler.py [--model swin98_tiny] [--rounds 5] [--seconds 5]`.

Measures one cell with and without the sampler in interleaved rounds, and prints the ratio of their throughputs with its
interval; and how much of one core sampler and parent use while a child measures (expected at most 2 % together).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from harness.records.io import iter_records
from harness.records.schema import Record
from harness.report.comparison import compared
from harness.report.comparison_table import comparison_table

ROOT = Path(__file__).resolve().parents[1]
LOOK_S = 0.25
START_S = 1.0
MOST = 0.02


class Watch:
    """CPU time of parent and samplers while a child measures: seconds, and the wall time that they are of."""

    def __init__(self, parent: psutil.Process) -> None:
        self.parent = parent
        self.wall_s = {"parent": 0.0, "sampler": 0.0}
        self.cpu_s = {"parent": 0.0, "sampler": 0.0}
        self._last: dict[int, tuple[float, float]] = {}

    def look(self) -> None:
        """Take the time since the last look of those that are there now and were then."""
        seen: dict[int, tuple[float, float]] = {}
        lines = {}
        for child in self.parent.children(recursive=True):
            with suppress(psutil.Error):
                lines[child] = " ".join(child.cmdline())
        samplers = [child for child, line in lines.items() if "harness.devices.sampler" in line and _started(child)]
        roles = [("sampler", sampler) for sampler in samplers]
        roles += [("parent", self.parent)] if any("measure-" in line for line in lines.values()) else []
        for role, process in roles:
            with suppress(psutil.Error):
                times, now = process.cpu_times(), time.monotonic()
                seen[process.pid] = (now, times.user + times.system)
                if process.pid in self._last:
                    before, used = self._last[process.pid]
                    self.wall_s[role] += now - before
                    self.cpu_s[role] += seen[process.pid][1] - used
        self._last = seen

    def share(self, role: str) -> float:
        """The part of one core that it used."""
        return self.cpu_s[role] / self.wall_s[role] if self.wall_s[role] else float("nan")


def main() -> int:
    """Print both; the exit status says whether sampler and parent stay within ``MOST``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="swin98_tiny")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="harness-sampler-") as name:
        home = Path(name)
        environment = {**os.environ, "HARNESS_HOME": name, "PYTHONPATH": str(ROOT)}
        words = [f"model={given.model}", "tracking=none", "measure=smoke", f"measure.rounds={given.rounds}"]
        words += [f"measure.min_time_s={given.seconds}", "measure.telemetry=false,true", "-m"]
        command = [sys.executable, "-m", "harness", *words]
        run = subprocess.Popen(command, cwd=name, env=environment, stdout=subprocess.DEVNULL)
        watch = Watch(psutil.Process(run.pid))
        while run.poll() is None:
            with suppress(psutil.Error):
                watch.look()
            time.sleep(LOOK_S)
        without, with_sampler = (each for _, each in sorted(_records(home), key=lambda pair: pair[0]))
    table = comparison_table([compared(without, with_sampler)], 0.03)
    print(table.markdown())
    both = watch.share("parent") + watch.share("sampler")
    for role in ("sampler", "parent"):
        print(f"{role}: {100 * watch.share(role):.2f} % of one core over {watch.wall_s[role]:.0f} s")
    print(f"together {100 * both:.2f} % (at most {100 * MOST:g} %)")
    return int(not both <= MOST)


def _started(sampler: psutil.Process) -> bool:
    """Whether its start, which comes before anything is timed, is over."""
    with suppress(psutil.Error):
        return time.time() - sampler.create_time() > START_S
    return False


def _records(home: Path) -> list[tuple[bool, Record]]:
    found = [record for _, record in iter_records(home / "records") if isinstance(record, Record)]
    return [(bool(record.settings["measure"]["telemetry"]), record) for record in found]


if __name__ == "__main__":
    sys.exit(main())

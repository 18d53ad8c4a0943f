"""`python -m harness --help` against the `--help` of an empty Hydra application: paired ratios with an interval.

    python benchmarks/startup.py pairs=20

Both run as fresh processes in turns, so that whatever else the machine does hits both alike. Printed are the geometric
mean of the paired ratios of wall time and its 95 % t-interval over the pairs' ln(ratio); the goal is at most 1.5. The
second row is a help page that goes through Hydra, the third a refusal, for which the configuration is composed.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.commands.arguments import argument, read_arguments

ROOT = Path(__file__).resolve().parent.parent
EMPTY = """\
import hydra


@hydra.main(version_base="1.3", config_path=None)
def main(config):
    pass


main()
"""


@dataclass(frozen=True)
class Arguments:
    """Compare the start of the harness with an empty Hydra application."""

    pairs: int = argument("pairs of processes for each row", default=20)


def seconds(command: Sequence[str], folder: Path) -> float:
    """The wall time of one fresh process."""
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return time.perf_counter() - started


def interval(logs: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % t-interval of logarithms, as ratios."""
    from scipy import stats

    mean = statistics.fmean(logs)
    half = stats.t.ppf(0.975, len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def main() -> None:
    """Run the pairs and print the rows."""
    asked = read_arguments(Arguments, sys.argv[1:], command="python benchmarks/startup.py")
    harness = [sys.executable, "-m", "harness"]
    rows = {
        "harness --help": [*harness, "--help"],
        "harness --help batchsize=2": [*harness, "--help", "batchsize=2"],
        "harness model=swin89 (refused)": [*harness, "model=swin89"],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = [sys.executable, str(folder / "empty.py"), "--help"]
        (folder / "empty.py").write_text(EMPTY, encoding="utf-8")
        for command in (empty, *rows.values()):
            seconds(command, folder)  # fills the caches
        for title, command in rows.items():
            pairs = [(seconds(empty, folder), seconds(command, folder)) for _ in range(asked.pairs)]
            ratio, low, high = interval([math.log(ours / theirs) for theirs, ours in pairs])
            theirs, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"{title:<32} {ours:.2f} s, empty {theirs:.2f} s: ratio {ratio:.2f} [{low:.2f}, {high:.2f}]")


if __name__ == "__main__":
    main()

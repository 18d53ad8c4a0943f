"""What trtexec prints: stamped lines, banners, sections of options, and the summary of its times.

Source: ``samples/common/logging.h``, ``sampleReporting.cpp`` and ``sampleOptions.cpp`` of TensorRT 8.4 to 11.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence

from harness.simulator.trtexec_options import Release

Series = Mapping[str, Sequence[float]]
"""Times in ms by what they are of: ``latency enqueue h2d compute d2h``, and ``end_to_end`` in TensorRT 8.4."""

LABELS = {
    "latency": "Latency",
    "end_to_end": "End-to-End Host Latency",
    "enqueue": "Enqueue Time",
    "h2d": "H2D Latency",
    "compute": "GPU Compute Time",
    "d2h": "D2H Latency",
}
UNSTABLE_PERCENT = 1.0


class Printer:
    """Prints as one call of trtexec does."""

    def __init__(self, packed_version: str, command: Sequence[str]) -> None:
        self._name = f"TensorRT.trtexec [TensorRT {packed_version}]"
        self._command = " ".join(command)

    def banner(self, status: str) -> None:
        """``&&&& RUNNING TensorRT.trtexec ...``."""
        print(f"&&&& {status} {self._name} # {self._command}", flush=True)

    def line(self, level: str, words: str) -> None:
        """A line of a level: ``I``, ``W`` or ``E``."""
        print(f"[{time.strftime('%m/%d/%Y-%H:%M:%S')}] [{level}] {words}", flush=True)

    def say(self, words: str) -> None:
        """A line of information."""
        self.line("I", words)

    def complain(self, words: str) -> None:
        """A line about an error."""
        self.line("E", words)

    def section(self, title: str, values: Mapping[str, str]) -> None:
        """A section of options."""
        self.say(f"=== {title} ===")
        for label, value in values.items():
            self.say(f"{label}: {value}")
        self.say("")

    def passed(self) -> int:
        """The last line of a good end; its exit status."""
        self.banner("PASSED")
        return 0

    def failed(self) -> int:
        """The last line of a bad end; its exit status."""
        self.banner("FAILED")
        return 1


def inference_options(flags: Mapping[str, str], release: Release) -> dict[str, str]:
    """The section that says what is timed."""

    def enabled(*, on: bool) -> str:
        return "Enabled" if on else "Disabled"

    return {
        "Batch": "Explicit",
        "Iterations": flags.get("iterations", "10"),
        "Duration": f"{flags.get('duration', '3')}s (+ {flags.get('warmUp', '200')}ms warm up)",
        ("Streams" if release.major < 10 else "Inference Streams"): "1",
        "ExposeDMA": enabled(on="exposeDMA" in flags),
        "Data transfers": enabled(on=copies(flags, release)),
        "Spin-wait": enabled(on="useSpinWait" in flags or (not release.copies and "noSpinWait" not in flags)),
        "Multithreading": enabled(on="threads" in flags),
        "CUDA Graph": enabled(on="useCudaGraph" in flags or (not release.copies and "noCudaGraph" not in flags)),
    }


def copies(flags: Mapping[str, str], release: Release) -> bool:
    """Whether inputs and outputs are copied in each query."""
    return "noDataTransfers" not in flags if release.copies else "includeDataTransfers" in flags


def print_summary(out: Printer, series: Series, release: Release, *, warmup_queries: int, warmup_ms: float) -> None:
    """The lines after the last query; ``series`` holds the timed ones."""
    count = len(series["compute"])
    walltime_s = sum(series["compute"]) / 1000
    out.say(f"Warmup completed {warmup_queries} queries over {warmup_ms:g} ms")
    out.say(f"Timing trace has {count} queries over {walltime_s:.6g} s")
    out.say("")
    out.say("=== Performance summary ===")
    out.say(f"Throughput: {count / walltime_s:.6g} qps")
    levels = (99,) if release.major < 10 else (90, 95, 99)
    for name, label in LABELS.items():
        if name in series:
            out.say(f"{label}: {_statistics(series[name], levels)}")
    out.say(f"Total Host Walltime: {walltime_s:.6g} s")
    out.say(f"Total GPU Compute Time: {sum(series['compute']) / 1000:.6g} s")
    _warn(out, series)
    out.say("Explanations of the performance metrics are printed in the verbose logs.")
    out.say("")


def _statistics(values: Sequence[float], levels: Sequence[int]) -> str:
    ordered = sorted(values)
    named = {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": statistics.fmean(ordered),
        "median": statistics.median(ordered),
        **{f"percentile({level}%)": _percentile(ordered, level) for level in levels},
    }
    return ", ".join(f"{name} = {value:.6g} ms" for name, value in named.items())


def _percentile(ordered: Sequence[float], level: int) -> float:
    """``findPercentile`` of sampleReporting.cpp."""
    left_out = int((1 - level / 100) * len(ordered))
    return ordered[max(len(ordered) - 1 - left_out, 0)]


def _warn(out: Printer, series: Series) -> None:
    middle = {name: statistics.median(values) for name, values in series.items()}
    bound = "* Throughput may be bound by {} rather than GPU Compute and the GPU may be under-utilized."
    if middle["enqueue"] > 0.8 * middle["compute"]:
        out.line("W", bound.format("Enqueue Time"))
    for name, words in (
        ("h2d", "host-to-device transfers for the inputs"),
        ("d2h", "device-to-host transfers for the outputs"),
    ):
        if middle.get(name, 0.0) >= middle["compute"]:
            out.line("W", bound.format(words))
    compute = series["compute"]
    percent = 100 * statistics.pstdev(compute) / statistics.fmean(compute)
    if percent > UNSTABLE_PERCENT:
        out.line("W", f"* GPU compute time is unstable, with coefficient of variance = {percent:.6g}%.")

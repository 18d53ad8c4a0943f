"""The performance summary, on the screen and as JSON, in the words of each generation (ASCEND.md, a.4 and b)."""

from __future__ import annotations

import json
import os
from typing import Any, Sequence

import numpy as np

from ais_bench.infer.settings import generation, options, say

LINE = "{} (ms): min = {}, max = {}, mean = {}, median = {}, percentile(99%) = {}"


def statistics(values: Sequence[float]) -> dict[str, Any]:
    """The figures of a list of times in ms; zeros for an empty one."""
    found: dict[str, Any] = {"min": 0.0, "max": 0.0, "mean": 0.0, "median": 0.0, "percentile(99%)": 0.0}
    if len(values):
        array = np.array([float(value) for value in values])
        found = {
            "min": float(array.min()),
            "max": float(array.max()),
            "mean": float(array.mean()),
            "median": float(np.median(array)),
            "percentile(99%)": float(np.percentile(array, 99)),
        }
    return dict(found, count=len(values)) if generation() >= 3 else found


def report(
    times: list[float],
    h2d: list[float],
    d2h: list[float],
    batchsize: float,
    prefix: str | None,
    display_all: bool,
    files: dict[str, Any],
    arguments: Sequence[str],
) -> float:
    """Print the summary and write the file beside (in G1 and G2: into) the output folder; returns the throughput."""
    computed, to_device, to_host = statistics(times), statistics(h2d), statistics(d2h)
    throughput = 1000 * batchsize / computed["mean"] if computed["mean"] else 0
    if options().get("fail") == "wrong_throughput":
        throughput *= 4
    everything = display_all or generation() <= 2
    say("INFO", "-----------------Performance Summary------------------")
    if everything:
        _line("H2D_latency", to_device)
    _line("NPU_compute_time", computed)
    if everything:
        _line("D2H_latency", to_host)
    say("INFO", _throughput_line(batchsize, computed["mean"], throughput))
    say("INFO", "------------------------------------------------------")
    if prefix is not None:
        content: dict[str, Any] = {
            "filesinfo": files,
            "args": list(arguments),
            "NPU_compute_time": computed,
            "H2D_latency": to_device,
            "D2H_latency": to_host,
            "throughput": throughput,
        }
        if generation() >= 3:
            content["npu_compute_time_list"] = [float(value) for value in times]
            content["pid"] = os.getpid()
        name = os.path.join(prefix, "sumary.json") if generation() <= 2 else prefix + "_summary.json"
        with open(name, "w") as file:
            json.dump(content, file)
    return float(throughput)


def _throughput_line(batchsize: float, mean: float, throughput: float) -> str:
    if generation() == 1:
        return f"throughput (1000*batchsize/NPU_compute_time): {throughput}"
    word = "batchsize" if generation() <= 3 else "batchsize.mean"
    return f"throughput 1000*{word}({batchsize})/NPU_compute_time.mean({mean}): {throughput}"


def _line(name: str, figures: dict[str, Any]) -> None:
    keys = ("min", "max", "mean", "median", "percentile(99%)")
    say("INFO", LINE.format(name, *(figures[key] for key in keys)))

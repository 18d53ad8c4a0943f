"""The project's swin98 graph against the official one on ONNX Runtime's CPU provider: `python benchmarks/graph.py`.

The official graph is what mmsegmentation 0.30's network becomes by export at opset 11 and simplification, batch 1;
``official_swin98_opset11.onnx.gz`` beside this script holds it without its large weights, which are filled with seeded
random numbers. The project's graph is exported and simplified here, with seeded random weights. Both are float32, take
the same image and run in sessions with the same options (those of the harness: no memory arena).

Single iterations of both alternate in one process, the order swapped every round, so that drift hits both alike. Prints
the geometric mean of the ratios official / project (above 1: the project's graph is faster) with its 95 % t-interval
over rounds, and fails where its lower end is below 0.97.
"""

from __future__ import annotations

import argparse
import gzip
import math
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from harness.backends.onnx_runtime import OnnxRuntimeOptions, session_options
from harness.graph.export import export_onnx
from harness.graph.inspect import inspect_onnx
from harness.graph.simplify import simplify_onnx
from harness.models.family import family
from harness.models.weights import load_weights
from harness.timing.statistics import paired_ratio

REQUIRED = 0.97
OFFICIAL = Path(__file__).with_name("official_swin98_opset11.onnx.gz")
IMAGE = {"input": np.random.default_rng(0).standard_normal((1, 3, 512, 512), dtype=np.float32)}


def write_official(path: Path) -> Path:
    """The official graph with every empty float tensor filled: standard normal values over the root of its fan-in."""
    model = onnx.load_model_from_string(gzip.decompress(OFFICIAL.read_bytes()))
    for tensor in model.graph.initializer:
        count = math.prod(tensor.dims)
        if tensor.data_type == onnx.TensorProto.FLOAT and count and not (tensor.raw_data or tensor.float_data):
            stream = np.random.RandomState(zlib.crc32(tensor.name.encode()))
            values = stream.standard_normal(count) / math.sqrt(math.prod(tensor.dims[1:]))
            tensor.raw_data = values.astype(np.float32).tobytes()
    onnx.save(model, str(path))
    return path


def write_project(path: Path) -> Path:
    """The project's graph as its stages make it: exported, then simplified."""
    upernet_swin = family("upernet_swin")
    network = upernet_swin.build(upernet_swin.parse_options({}))
    load_weights(network, None, 0)
    exported = path.with_suffix(".exported.onnx")
    export_onnx(network, IMAGE, ["output"], exported, 11)
    simplify_onnx(exported, path)
    return path


def open_file(path: Path, options: OnnxRuntimeOptions) -> Callable[[], float]:
    """A function that runs the file once and returns the milliseconds that it took."""
    session = onnxruntime.InferenceSession(str(path), session_options(options), providers=["CPUExecutionProvider"])

    def iterate() -> float:
        start = time.perf_counter_ns()
        (output,) = session.run(None, IMAGE)
        elapsed_ms = (time.perf_counter_ns() - start) / 1e6
        if not np.isfinite(output[..., ::64, ::64]).all():
            raise ArithmeticError(f"{path.name} computes NaN or infinity: its time would mean nothing")
        return elapsed_ms

    return iterate


def alternate(first: Callable[[], float], second: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """The times of both in milliseconds, one iteration of each a round: first, second, second, first, ..."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            times[which].append((first, second)[which]())
    return times


def print_table(names: Sequence[str], paths: Sequence[Path], times: Sequence[Sequence[float]]) -> None:
    """One line a graph: nodes, megabytes of constants, median and extremes of the iterations."""
    print(f"{'graph':<10} {'nodes':>6} {'MB':>5} {'median ms':>10} {'min':>8} {'max':>8}")
    for name, path, values in zip(names, paths, times, strict=True):
        summary = inspect_onnx(path)
        figures = f"{np.median(values):>10.0f} {min(values):>8.0f} {max(values):>8.0f}"
        print(f"{name:<10} {summary.nodes:>6} {summary.constant_bytes / 1e6:>5.0f} {figures}")


def main() -> int:
    """Measure, print, and say by the exit status whether the project's graph is as fast as required."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25, help="timed iterations of each graph, at least 2")
    parser.add_argument("--warmup", type=int, default=1, help="untimed rounds before them")
    parser.add_argument("--threads", type=int, default=0, help="threads that compute (0: one per physical core)")
    arguments = parser.parse_args()
    options = OnnxRuntimeOptions(intra_op_threads=arguments.threads)
    names = ("official", "project")
    with tempfile.TemporaryDirectory() as folder:
        paths = (write_official(Path(folder) / "official.onnx"), write_project(Path(folder) / "project.onnx"))
        official, project = (open_file(path, options) for path in paths)
        alternate(official, project, arguments.warmup)
        times = alternate(official, project, arguments.rounds)
        print_table(names, paths, times)
    ratio = paired_ratio(*times)
    print(f"official / project {ratio.ratio:.4f}  95 % interval {ratio.low:.4f} to {ratio.high:.4f}, {ratio.n} rounds")
    passed = ratio.low is not None and ratio.low >= REQUIRED
    print(f"{'passed' if passed else 'FAILED'}: lower end {ratio.low:.4f}, required {REQUIRED}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

"""What the harness's measured loop costs: `python benchmarks/overhead.py [--model FILE]`.

The real loop (``harness.timing.loop.time_calls`` around the bound call of the ONNX Runtime backend, as
``backend.measure`` runs it) alternates with a bare loop in one process, one iteration each, in the order bare, harness,
harness, bare, ... so that drift hits both alike. Both run the same session, so that nothing but the loop differs; with
``--own-session`` the bare loop opens the file once more with the same options.

An iteration of the harness is taken from the outside, from before its first clock reading to the next iteration's: it
holds everything that the loop does, not just what it reports, and the hooks of this script too (1.5 us, several with
cold caches), which therefore count against it. Prints the geometric mean of the ratios bare / harness with its 95 %
t-interval over pairs, added until it is narrow or the time is up, and fails where its lower end is below 0.98.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from harness.backends.inputs import random_inputs
from harness.backends.onnx_runtime import OnnxRuntimeBackend, OnnxRuntimeOptions, session_options
from harness.backends.protocol import Array
from harness.config.model import InputSettings
from harness.config.schema import MeasureSettings
from harness.config.values import DType
from harness.timing.loop import time_calls
from harness.timing.statistics import Ratio, paired_ratio

REQUIRED = 0.98
NARROW = 0.005
"""Pairs are added until the interval's lower end is this close to the estimate."""
WARMUP, BATCH = 10, 100
PROFILE = MeasureSettings(
    name="overhead",
    rounds=1,
    warmup_iterations=WARMUP,
    warmup_s=0,
    min_iterations=BATCH + 1,
    min_time_s=0,
    budget_s=86_400,
)
DTYPES: dict[str, DType] = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}


class Alternation:
    """Runs bare iterations in the gaps of the harness's loop, and times both.

    The harness calls ``call`` and reads ``clock_ns``. The first reading after a call is its end; any other stands in a
    gap between two iterations: there the harness's iteration is over, the bare ones that are due run, the next begins.
    """

    def __init__(self, harness_call: Callable[[], Any], bare_iteration: Callable[[], int]) -> None:
        self._harness_call = harness_call
        self._bare_iteration = bare_iteration
        self._begin_ns = 0
        self._called = False
        self._open = False
        self.bare_ns: list[int] = []
        self.harness_ns: list[int] = []

    def call(self) -> Any:
        """What the harness times."""
        self._called = self._open = True
        return self._harness_call()

    def clock_ns(self) -> int:
        """The clock that the harness reads."""
        now = time.perf_counter_ns()
        if self._called:
            self._called = False
            return now
        return self._gap(now)

    def _gap(self, now: int) -> int:
        """Close the harness's iteration, run what is due of the bare loop, open the next."""
        if self._open:
            self.harness_ns.append(now - self._begin_ns)
            self._open = False
        # bare, harness, harness, bare, bare, harness, ...: 1, 1, 3, 3, 5, ... bare ones before each of the harness's.
        while len(self.bare_ns) < 2 * (len(self.harness_ns) // 2) + 1:
            self.bare_ns.append(self._bare_iteration())
        self._begin_ns = time.perf_counter_ns()
        return self._begin_ns


@dataclass(frozen=True)
class Overhead:
    """The ratios bare / harness, by the whole iteration and by the time that the harness reports; the bare median."""

    whole: Ratio
    reported: Ratio
    median_ms: float


def compare(model: Path, options: OnnxRuntimeOptions, *, own_session: bool, limit_s: float) -> Overhead:
    """Alternate the two loops in batches of pairs until the interval is narrow or ``limit_s`` is up."""
    begin = time.monotonic()
    bare_ms, harness_ms, reported_ms = np.empty(0), np.empty(0), np.empty(0)
    with OnnxRuntimeBackend(options).load(model) as session:
        bare = session.runtime
        if own_session:
            bare = onnxruntime.InferenceSession(model, session_options(options), providers=["CPUExecutionProvider"])
        feeds, names = seeded_inputs(bare), session.output_names

        def bare_iteration() -> int:
            start = time.perf_counter_ns()
            bare.run(names, feeds)
            return time.perf_counter_ns() - start

        while True:
            alternation = Alternation(session.bound(feeds), bare_iteration)
            timing = time_calls(alternation.call, PROFILE, alternation.clock_ns)
            # The loop's last iteration has no next one to close it.
            kept = slice(WARMUP, WARMUP + BATCH)
            bare_ms = np.append(bare_ms, np.asarray(alternation.bare_ns[kept]) / 1e6)
            harness_ms = np.append(harness_ms, np.asarray(alternation.harness_ns[kept]) / 1e6)
            reported_ms = np.append(reported_ms, timing.times_ms[:BATCH])
            whole = paired_ratio(bare_ms, harness_ms)
            assert whole.low is not None
            if whole.ratio - whole.low <= NARROW or time.monotonic() - begin > limit_s:
                return Overhead(whole, paired_ratio(bare_ms, reported_ms), float(np.median(bare_ms)))


def seeded_inputs(session: Any) -> dict[str, Array]:
    """Random inputs of the static shapes that the file declares."""
    specs = [
        InputSettings(name=value.name, shape=tuple(value.shape), dtype=DTYPES[value.type])
        for value in session.get_inputs()
    ]
    return random_inputs(specs, seed=0)


def write_model(path: Path, layers: int = 4, channels: int = 64, size: int = 56) -> Path:
    """A small convolutional network, 5 to 20 ms an iteration on two cores."""
    generator = np.random.default_rng(0)
    nodes, constants, value = [], [], "input"
    for layer in range(layers):
        weight = generator.standard_normal((channels, channels, 3, 3), dtype=np.float32) / (3 * channels**0.5)
        constants.append(numpy_helper.from_array(weight, f"w{layer}"))
        nodes.append(helper.make_node("Conv", [value, f"w{layer}"], [f"c{layer}"], kernel_shape=[3, 3], pads=[1] * 4))
        value = "output" if layer == layers - 1 else f"r{layer}"
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [value]))
    shape = [1, channels, size, size]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "output")]
    graph = helper.make_graph(nodes, "overhead", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7), path)
    return path


def main() -> int:
    """Measure, print, and say by the exit status whether the loop is as light as required."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="an ONNX file with static shapes; without it a small one is made")
    parser.add_argument("--own-session", action="store_true", help="give the bare loop a session of its own")
    parser.add_argument("--threads", type=int, default=0, help="threads that compute (0: one per physical core)")
    parser.add_argument("--limit-s", type=float, default=120, help="add no pairs after this many seconds")
    arguments = parser.parse_args()
    options = OnnxRuntimeOptions(intra_op_threads=arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or write_model(Path(folder) / "overhead.onnx")
        found = compare(model, options, own_session=arguments.own_session, limit_s=arguments.limit_s)
    name = arguments.model.name if arguments.model else "a small network of this script"
    print(f"{name}: {found.median_ms:.3g} ms an iteration, {found.whole.n} pairs, bare / harness")
    for label, ratio in (("whole iteration", found.whole), ("as reported", found.reported)):
        print(f"  {label:<16} {ratio.ratio:.4f}  95 % interval {ratio.low:.4f} to {ratio.high:.4f}")
    passed = found.whole.low is not None and found.whole.low >= REQUIRED
    print(f"{'passed' if passed else 'FAILED'}: lower end {found.whole.low:.4f}, required {REQUIRED}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

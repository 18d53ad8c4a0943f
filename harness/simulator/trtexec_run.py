"""What the stand-in of trtexec does with an engine: its memory, its drawn times, its real outputs, its files.

Formats: ``exportJSONTrace`` and ``exportJSONOutput`` (``sampleReporting.cpp``), ``dumpRawBindingToFiles``
(``sampleInference.cpp``) of TensorRT 8.4 to 11. Words of the library when memory lacks: NVIDIA/TensorRT issue 3017.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.simulator.om import read_onnx
from harness.simulator.told import SALT_VARIABLE
from harness.simulator.trtexec_log import Printer, copies, print_summary
from harness.simulator.trtexec_options import Release

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.config.simulator import SimulatorSettings

ENQUEUE_MS = 0.02
LITTLE = "There may not be enough free memory for allocation to succeed."
NO_MEMORY = "OutOfMemory (no further information)"
TYPE_NAMES = {"float32": "Float", "float16": "Half", "int32": "Int32", "int64": "Int64", "int8": "Int8", "bool": "Bool"}
_QUOTED = re.compile(r"'([^']*)':(.*)")


class RunError(ValueError):
    """The lines with which setting up an inference ends, without time stamps: (level, words)."""

    def __init__(self, *lines: tuple[str, str]) -> None:
        super().__init__(lines[0][1])
        self.lines = lines


def infer(
    out: Printer,
    flags: Mapping[str, str],
    release: Release,
    settings: SimulatorSettings,
    *,
    engine: Path,
    description: Mapping[str, Any],
) -> None:
    """Set up and time the engine, print the summary and write the files that the flags ask for.

    Raises:
        RunError: memory lacks, or the inputs are not the engine's.
    """
    _take_memory(settings, description)
    files = _input_files(flags, description)
    _show_bindings(out, files, release, description)
    out.say("Starting inference")
    with_copies = copies(flags, release)
    warmup_ms, iterations = float(flags.get("warmUp", "200")), int(flags.get("iterations", "10"))
    duration_ms = 1000 * float(flags.get("duration", "3"))
    trace = _trace(settings, description, engine, copied=with_copies)
    warm = trace.take(lambda total, _: total < warmup_ms)
    timed = trace.take(lambda total, count: count < max(1, iterations) or total < duration_ms)
    if release.major < 10:
        for each in timed:
            each["end_to_end"] = each["latency"] * 1.4
    shown = {name: [each[name] for each in timed] for name in timed[0] if not name.startswith("start")}
    if not with_copies and release.major >= 11:
        shown = {name: values for name, values in shown.items() if name not in {"h2d", "d2h"}}
    if "dumpProfile" not in flags or "separateProfileRun" in flags or release.major >= 11:
        print_summary(out, shown, release, warmup_queries=len(warm), warmup_ms=warmup_ms)
        if flags.get("exportTimes"):
            _export_times(Path(flags["exportTimes"]), [*warm, *timed] if release.major < 10 else timed, release)
    for name in ("exportProfile", "exportLayerInfo"):
        if flags.get(name):
            Path(flags[name]).write_text('[\n  { "count" : 10 }\n]\n', encoding="utf-8")
    if "dumpRawBindingsToFile" in flags or flags.get("exportOutput"):
        _write_outputs(out, flags, files, engine, description)


def _take_memory(settings: SimulatorSettings, description: Mapping[str, Any]) -> None:
    free = (settings.memory_mb - settings.idle_memory_mb) * 2**20
    wanted = description["weight_bytes"] + settings.memory_factor * description["live_bytes"]
    if wanted > free:
        raise RunError(
            ("E", "[TRT] 1: [defaultAllocator.cpp::allocate::19] Error Code 1: Cuda Runtime (out of memory)"),
            (
                "W",
                f"[TRT] Requested amount of GPU memory ({wanted:.0f} bytes) could not be allocated. {LITTLE}",
            ),
            ("E", f"[TRT] 2: [executionContext.cpp::ExecutionContext::470] Error Code 2: {NO_MEMORY}"),
            ("E", "Unable to create execution context for stream 0."),
        )
    if wanted + settings.output_factor * sum(map(_size, description["outputs"])) > free:
        raise RunError(("E", "Cuda failure: out of memory"))


def _input_files(flags: Mapping[str, str], description: Mapping[str, Any]) -> dict[str, Path]:
    """The files of ``--loadInputs`` by input, their sizes checked."""
    files: dict[str, Path] = {}
    for part in filter(None, flags.get("loadInputs", "").split(",")):
        quoted = _QUOTED.fullmatch(part)
        name, file = (quoted[1], quoted[2]) if quoted else part.rsplit(":", 1)
        files[name] = Path(file)
    known = {each["name"]: each for each in description["inputs"]}
    for name, path in files.items():
        if name not in known:
            words = "in the engine bindings! Please make sure the input tensor names are correct."
            raise RunError(("E", f'Cannot find input tensor with name "{name}" {words}'))
        if not path.is_file():
            raise RunError(("E", f"Cannot open file {path}!"))
        size, wanted = path.stat().st_size, _size(known[name])
        if size != wanted:
            words = f"Unexpected file size for input file: {path}. Expected: {wanted} bytes but got: {size} bytes"
            raise RunError(("E", words))
    return files


def _show_bindings(out: Printer, files: Mapping[str, Path], release: Release, description: Mapping[str, Any]) -> None:
    for kind in ("input", "output"):
        for each in description[f"{kind}s"]:
            dims = "x".join(map(str, each["shape"]))
            if kind == "input":
                source = f"values loaded from {files[each['name']]}" if each["name"] in files else "random values"
                out.say(f"Using {source} for input {each['name']}")
            if release.major < 10:
                out.say(f"Created {kind} binding for {each['name']} with dimensions {dims}")
            else:
                out.say(f"{kind.capitalize()} binding for {each['name']} with dimensions {dims} is created.")


class _Trace:
    """Seeded queries, one after another: a process has its own offset, a query its own scatter."""

    def __init__(self, settings: SimulatorSettings, description: Mapping[str, Any], key: str, *, copied: bool) -> None:
        salt = os.environ.get(SALT_VARIABLE, "")
        seed = hashlib.sha256(f"{settings.seed}/{salt}/{key}/trtexec".encode()).hexdigest()
        self._random, self._settings, self._copied = random.Random(seed), settings, copied  # noqa: S311 - times, no secrets
        self._process = 1 + settings.process_noise * self._random.gauss(0, 1)
        self._compute_ms = settings.fixed_ms + settings.ms_per_gmac * description["macs"] / 1e9
        ends = {"h2d": "inputs", "d2h": "outputs"}
        self._bytes = {name: sum(map(_size, description[end])) for name, end in ends.items()}
        self._now_ms = 0.0

    def take(self, goes_on: Any) -> list[dict[str, float]]:
        """Queries for as long as ``goes_on(their time in ms, their number)`` holds."""
        taken: list[dict[str, float]] = []
        total = 0.0
        while goes_on(total, len(taken)):
            taken.append(self._next())
            total += taken[-1]["compute"]
        return taken

    def _next(self) -> dict[str, float]:
        rates = {"h2d": self._settings.h2d_gb_per_s, "d2h": self._settings.d2h_gb_per_s}
        copies_ms = {
            name: self._scattered(0.005 + self._bytes[name] / (rate * 1e6)) if self._copied else 0.0
            for name, rate in rates.items()
        }
        compute = self._process * self._scattered(self._compute_ms)
        query = {**copies_ms, "compute": compute, "latency": compute + sum(copies_ms.values())}
        query |= {"enqueue": self._scattered(ENQUEUE_MS), "start": self._now_ms}
        self._now_ms += compute
        return query

    def _scattered(self, mean_ms: float) -> float:
        return mean_ms * (1 + self._settings.noise * abs(self._random.gauss(0, 1)))


def _trace(settings: SimulatorSettings, description: Mapping[str, Any], engine: Path, *, copied: bool) -> _Trace:
    return _Trace(settings, description, hashlib.sha256(engine.read_bytes()).hexdigest(), copied=copied)


def _export_times(target: Path, queries: Sequence[Mapping[str, float]], release: Release) -> None:
    """``exportJSONTrace``: times since the first query, then durations, six digits each."""
    lines = []
    for each in queries:
        begin = each["start"]
        copied, computed = begin + each["h2d"], begin + each["h2d"] + each["compute"]
        values = {
            "startEnqMs": begin,
            "endEnqMs": begin + each["enqueue"],
            "startH2dMs": begin,
            "endH2dMs": copied,
            "startComputeMs": copied,
            "endComputeMs": computed,
            "startD2hMs": computed,
            "endD2hMs": computed + each["d2h"],
            "h2dMs": each["h2d"],
            "computeMs": each["compute"],
            "d2hMs": each["d2h"],
            "latencyMs": each["latency"],
        }
        if release.major < 10:
            values["endToEndMs"] = 1.4 * each["latency"]
        lines.append("{ " + ", ".join(f'"{name}" : {value:.6g}' for name, value in values.items()) + " }")
    target.write_text("[\n  " + "\n, ".join(lines) + "\n]\n", encoding="utf-8")


def _write_outputs(
    out: Printer, flags: Mapping[str, str], files: Mapping[str, Path], engine: Path, description: Mapping[str, Any]
) -> None:
    import numpy as np
    import onnxruntime

    generator = np.random.default_rng(0)
    feeds: dict[str, NDArray[Any]] = {}
    for each in description["inputs"]:
        if each["name"] in files:
            feeds[each["name"]] = np.fromfile(files[each["name"]], dtype=each["dtype"]).reshape(each["shape"])
        else:
            feeds[each["name"]] = generator.random(each["shape"]).astype(each["dtype"])
    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(read_onnx(engine), providers=["CPUExecutionProvider"])
    names = [each["name"] for each in description["outputs"]]
    outputs = dict(zip(names, session.run(names, feeds), strict=True))
    if "dumpRawBindingsToFile" in flags:
        out.say("Dumping I/O Bindings to RAW Files:")
        for kind, arrays in (("input", feeds), ("output", outputs)):
            for name, array in arrays.items():
                _dump(out, kind, name, array)
    if flags.get("exportOutput"):
        parts = [
            f'{{ "name" : "{name}"\n  , "dimensions" : "{"x".join(map(str, array.shape))}"\n'
            f'  , "values" : [ {", ".join(f"{value:.6g}" for value in array.reshape(-1).tolist())} ]\n  }}\n'
            for name, array in outputs.items()
        ]
        Path(flags["exportOutput"]).write_text("[\n  " + ", ".join(parts) + "]\n", encoding="utf-8")


def _dump(out: Printer, kind: str, name: str, array: NDArray[Any]) -> None:
    """Write a binding to a file in the current folder, whose name has nothing but letters, digits and ``.-_,``."""
    dims, dtype = ".".join(map(str, array.shape)), TYPE_NAMES[str(array.dtype)]
    file = re.sub(r"[^A-Za-z0-9._,-]", "_", f"{name}.{kind}.{dims}.{dtype}.raw")
    out.say(f"Writing file for {kind} binding {name} (with datatype {dtype} and dimensions {dims}) to {file}")
    array.tofile(file)


def _size(value: Mapping[str, Any]) -> int:
    """The bytes of an input or output."""
    width: int = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2}.get(value["dtype"], 1)
    size: int = width * math.prod(value["shape"])
    return size

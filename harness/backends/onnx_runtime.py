"""ONNX Runtime on the CPU: reads the ONNX file as it is, in float32.

ONNX Runtime is imported when a model is opened. Its memory arena is off by default: with it swin98 at batch 8 takes
9.8 GB instead of 4.5 (DESIGN.md section 7). Its options are part of a row's fingerprint.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import psutil
from pydantic.dataclasses import dataclass

from harness.backends.onnx_runtime_errors import translated
from harness.backends.precision_flags import atc_only
from harness.backends.protocol import Array
from harness.config.schema import MeasureSettings, PrecisionSettings
from harness.config.values import SCHEMA, Count
from harness.errors import UnsupportedError
from harness.timing.loop import time_calls
from harness.timing.samples import Samples

if TYPE_CHECKING:
    from typing_extensions import Self

PROVIDER = "CPUExecutionProvider"
LOG_ERRORS = 3
"""ONNX Runtime's severity for errors alone (0 verbose, 1 info, 2 warning, 3 error, 4 fatal)."""

LEVELS = {
    "disabled": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


@dataclass(config=SCHEMA)
class OnnxRuntimeOptions:
    """Session options. ``intra_op_threads`` 0 means one per physical core that this process may use."""

    arena: bool = False
    intra_op_threads: Count = 0
    inter_op_threads: Count = 1
    graph_optimization: Literal["disabled", "basic", "extended", "all"] = "all"


class OnnxRuntimeBackend:
    """ONNX Runtime's CPU provider. Host memory is device memory, so compute time is what the caller waits for."""

    name: ClassVar[str] = "onnxruntime"
    boundary: ClassVar[str] = "compute"
    reads: ClassVar[tuple[str, ...]] = (".onnx",)
    Options: ClassVar[type[Any]] = OnnxRuntimeOptions

    def __init__(self, options: OnnxRuntimeOptions) -> None:
        self.options = options

    def check_precision(self, precision: PrecisionSettings) -> None:
        """Refuse all but float32, or what a file brings: the CPU provider takes the file's dtypes and casts nothing."""
        given = atc_only(precision)
        if given:
            raise UnsupportedError(
                f"precision={precision.name}: ONNX Runtime on the CPU cannot honour {given}, which only ATC takes, and"
                " computes in float32; use precision=fp32"
            )
        if precision.dtype not in {"float32", "file"}:
            raise UnsupportedError(
                f"precision={precision.name} ({precision.dtype}): ONNX Runtime on the CPU computes in float32;"
                " use precision=fp32"
            )

    def tools(self) -> Mapping[str, str]:
        """Version, provider, options, and the number of threads that compute."""
        return {
            "onnxruntime": _version(),
            "provider": PROVIDER,
            "arena": str(self.options.arena).lower(),
            "intra_op_threads": str(compute_threads(self.options)),
            "inter_op_threads": str(self.options.inter_op_threads),
            "graph_optimization": self.options.graph_optimization,
        }

    def convert(self, onnx: Path, target: Path, precision: PrecisionSettings) -> Path:  # noqa: ARG002
        """Return ``onnx``: the runtime reads it itself. Raises UnsupportedError as ``check_precision`` does."""
        self.check_precision(precision)
        return onnx

    def load(self, model: Path) -> OnnxRuntimeSession:
        """Open an ONNX file. Raises UnsupportedError, OutOfMemoryError or HarnessError as the protocol says."""
        return OnnxRuntimeSession(model, self.options)

    def measure(self, model: Path, inputs: Mapping[str, Array], profile: MeasureSettings) -> Samples:
        """Load, warm up and time ``session.run`` on the same inputs over and over. Raises as ``load`` and ``run``."""
        begin = time.perf_counter()
        with self.load(model) as session:
            load_s = time.perf_counter() - begin
            with translated(model):
                timing = time_calls(session.bound(inputs), profile)
        return timing.samples(self.boundary, "end_to_end", load_s=load_s)


class OnnxRuntimeSession:
    """An open ONNX file; see ``harness.backends.protocol.Session``. ``runtime`` is the ``InferenceSession`` itself."""

    def __init__(self, model: Path, options: OnnxRuntimeOptions) -> None:
        """Open ``model``; see ``OnnxRuntimeBackend.load``."""
        import onnxruntime

        onnxruntime.set_default_logger_severity(LOG_ERRORS)
        self._model = model
        with translated(model):
            self.runtime: Any = onnxruntime.InferenceSession(
                os.fspath(model), session_options(options), providers=[PROVIDER]
            )
        self.output_names: list[str] = [output.name for output in self.runtime.get_outputs()]

    def run(self, inputs: Mapping[str, Array]) -> Sequence[Array]:
        """Infer one batch; see the protocol."""
        with translated(self._model):
            outputs: Sequence[Array] = self.bound(inputs)()
        return outputs

    def bound(self, inputs: Mapping[str, Array]) -> Callable[[], Any]:
        """The bare call that is timed: ``InferenceSession.run`` with its arguments, errors untranslated."""
        return partial(self.runtime.run, self.output_names, dict(inputs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        del self.runtime


def session_options(options: OnnxRuntimeOptions) -> Any:
    """The ``onnxruntime.SessionOptions`` that ``options`` mean."""
    import onnxruntime

    made = onnxruntime.SessionOptions()
    made.enable_cpu_mem_arena = options.arena
    made.intra_op_num_threads = 0 if _has_whole_machine(options) else compute_threads(options)
    made.inter_op_num_threads = options.inter_op_threads
    made.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, LEVELS[options.graph_optimization])
    made.log_severity_level = LOG_ERRORS
    return made


def compute_threads(options: OnnxRuntimeOptions) -> int:
    """The number of threads that compute one operator: as asked for, else the physical cores this process may use."""
    return options.intra_op_threads or min(psutil.cpu_count(logical=False) or _usable_cpus(), _usable_cpus())


def _has_whole_machine(options: OnnxRuntimeOptions) -> bool:
    """Whether ONNX Runtime may choose: its own default pins threads to all cores, whatever this process is pinned to.

    Seen with 1.31.1: under ``taskset -c 0`` it starts a second thread and pins it to core 1.
    """
    return options.intra_op_threads == 0 and _usable_cpus() == (psutil.cpu_count() or 0)


def _usable_cpus() -> int:
    """Logical CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version() -> str:
    """The installed version; a build under another name (onnxruntime-gpu) is asked itself."""
    try:
        return metadata.version("onnxruntime")
    except metadata.PackageNotFoundError:
        import onnxruntime

        return str(onnxruntime.__version__)

"""The backend ``numpy_reference``: ONNX's own reference evaluator, NumPy alone. Right rather than fast."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from harness.backends.protocol import Array
from harness.config.schema import MeasureSettings, PrecisionSettings
from harness.errors import HarnessError, OutOfMemoryError, UnsupportedError
from harness.timing.loop import time_calls
from harness.timing.samples import Samples

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(config=ConfigDict(extra="forbid", frozen=True))
class NumpyReferenceOptions:
    """``full_check``: also follow the shapes through the whole graph when a model is opened."""

    full_check: bool = False


class NumpyReferenceBackend:
    """Runs ONNX files as they are; onnx is imported when a model is opened."""

    name: ClassVar[str] = "numpy_reference"
    boundary: ClassVar[str] = "compute"
    Options: ClassVar[type[Any]] = NumpyReferenceOptions
    reads: ClassVar[tuple[str, ...]] = (".onnx",)

    def __init__(self, options: NumpyReferenceOptions) -> None:
        self.options = options

    def check_precision(self, precision: PrecisionSettings) -> None:
        """Refuse what would not be computed in the file's own types."""
        if precision.dtype not in {"float32", "file"}:
            raise UnsupportedError(f"precision={precision.name}: numpy_reference casts nothing; use precision=fp32")

    def tools(self) -> Mapping[str, str]:
        """What shapes the numbers."""
        versions = {name: metadata.version(name) for name in ("onnx", "numpy")}
        return {**versions, "full_check": str(self.options.full_check).lower()}

    def convert(self, onnx: Path, target: Path, precision: PrecisionSettings) -> Path:
        """The ONNX file itself: there is nothing to make."""
        del target
        self.check_precision(precision)
        return onnx

    def load(self, model: Path) -> NumpyReferenceSession:
        """Open an ONNX file; raises HarnessError or UnsupportedError."""
        return NumpyReferenceSession(model, self.options)

    def measure(self, model: Path, inputs: Mapping[str, Array], profile: MeasureSettings) -> Samples:
        """Load, warm up and time; the harness's loop keeps the profile's minima and its budget."""
        begin = time.perf_counter()
        with self.load(model) as session:
            load_s = time.perf_counter() - begin
            timing = time_calls(partial(session.run, inputs), profile)
        return timing.samples(self.boundary, load_s=load_s)


class NumpyReferenceSession:
    """An open ONNX file."""

    def __init__(self, model: Path, options: NumpyReferenceOptions) -> None:
        import onnx
        from google.protobuf.message import DecodeError
        from onnx.reference import ReferenceEvaluator

        try:
            loaded = onnx.load(model)
            onnx.checker.check_model(loaded, full_check=options.full_check)
        except (OSError, DecodeError) as error:
            raise HarnessError(f"{model.name}: not a readable ONNX file; give a whole one") from error
        except onnx.checker.ValidationError as error:
            said = " ".join(str(error).split())[:200]
            kind = UnsupportedError if "No Op registered" in said else HarnessError
            raise kind(f"{model.name}: not a valid ONNX model; export it again ({said})") from error
        self._expected = {value.name: _type(value) for value in loaded.graph.input}
        self._evaluator = ReferenceEvaluator(loaded)

    def run(self, inputs: Mapping[str, Array]) -> Sequence[Array]:
        """Infer one batch; what the evaluator would let pass or fail over is refused by name."""
        given = {name: (array.shape, str(array.dtype)) for name, array in inputs.items()}
        if given != self._expected:
            raise HarnessError(f"inputs {given} are not the model's; it expects {self._expected}")
        try:
            outputs: Sequence[Array] = self._evaluator.run(None, dict(inputs))
        except MemoryError as error:
            raise OutOfMemoryError("numpy_reference ran out of memory; use a smaller batchsize") from error
        return outputs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._evaluator


def _type(value: Any) -> tuple[tuple[int, ...], str]:
    """Shape and dtype of a model's input."""
    from onnx import helper

    kind = value.type.tensor_type
    return tuple(size.dim_value for size in kind.shape.dim), str(helper.tensor_dtype_to_np_dtype(kind.elem_type))

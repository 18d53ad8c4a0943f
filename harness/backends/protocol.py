"""What a backend is: the one class that a new runtime has to bring. Third parties check theirs with ``harness.testing``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from harness.config.schema import MeasureSettings, PrecisionSettings
from harness.timing.samples import Samples

Array = npt.NDArray[Any]


class Session(Protocol):
    """A loaded model, used as ``with backend.load(path) as session``."""

    def run(self, inputs: Mapping[str, Array]) -> Sequence[Array]:
        """Infer one static batch: arrays by input name in, arrays in the model's output order out."""

    def __enter__(self) -> Session: ...

    def __exit__(self, *exc: object) -> None: ...


class Backend(Protocol):
    """One runtime. Made from its validated options; importing its module must be cheap (runtimes are imported late)."""

    name: str
    boundary: str
    """What the headline latency times: ``compute`` or ``end_to_end``."""

    def check_precision(self, precision: PrecisionSettings) -> None:
        """Raise UnsupportedError naming the precision and what this backend offers instead."""

    def tools(self) -> Mapping[str, str]:
        """Names and versions of everything that shapes the numbers: part of cache keys and of the fingerprint."""

    def convert(self, onnx: Path, target: Path, precision: PrecisionSettings) -> Path:
        """Turn an ONNX file into the device's format; returns ``target``, or ``onnx`` where the runtime reads ONNX itself."""

    def load(self, model: Path) -> Session:
        """Open the converted model on the device."""

    def measure(self, model: Path, inputs: Mapping[str, Array], profile: MeasureSettings) -> Samples:
        """Load, warm up and time the model in this process; raw per-iteration times."""

"""A backend with a file format of its own, for the tests of converted files: ``backend=standin`` reads ``.om`` alone.

Its format is ONNX behind the four letters that an Ascend OM file begins with. ``blind`` takes away that it can say what
inputs a file has.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

from pydantic.dataclasses import dataclass

from harness.backends.onnx_runtime import OnnxRuntimeBackend, OnnxRuntimeOptions
from harness.config.model import InputSettings
from harness.config.values import SCHEMA
from harness.errors import UnsupportedError

MAGIC = b"IMOD"


@dataclass(config=SCHEMA)
class StandInOptions(OnnxRuntimeOptions):
    """``lacks`` is an operator that the converter does not know."""

    lacks: str = ""


class BlindBackend(OnnxRuntimeBackend):
    """Converts to a file of its own, and cannot look into it."""

    name: ClassVar[str] = "blind"
    reads: ClassVar[tuple[str, ...]] = (".om",)
    Options: ClassVar[type[Any]] = StandInOptions

    def tools(self):
        return {"standin": "1.0"}

    def convert(self, onnx, target, precision):
        content = onnx.read_bytes()
        if self.options.lacks and self.options.lacks.encode() in content:
            raise UnsupportedError(f"standin has no operator {self.options.lacks}")
        made = target.with_suffix(".om")
        made.write_bytes(MAGIC + content)
        return made

    def measure(self, model, inputs, profile):
        with tempfile.TemporaryDirectory() as folder:
            return super().measure(unpacked(model, Path(folder)), inputs, profile)


class StandInBackend(BlindBackend):
    """The same, and can say what inputs a file has."""

    name: ClassVar[str] = "standin"

    def input_specs(self, model):
        from harness.graph.inspect import inspect_onnx

        with tempfile.TemporaryDirectory() as folder:
            inputs = inspect_onnx(unpacked(model, Path(folder))).inputs
        return [InputSettings(name=each.name, shape=each.shape, dtype=each.dtype) for each in inputs]


def unpacked(model: Path, folder: Path) -> Path:
    """The ONNX file inside."""
    content = model.read_bytes()
    if not content.startswith(MAGIC):
        raise UnsupportedError(f"{model.name}: not of this format")
    inside = folder / "inside.onnx"
    inside.write_bytes(content[len(MAGIC) :])
    return inside

"""What is settled before a sweep starts about models that come as a file: shapes, inputs, arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.backends.protocol import DescribesInputs, reads
from harness.backends.registry import backend
from harness.config.model import ModelSettings
from harness.config.schema import PrecisionSettings, Settings
from harness.errors import ConfigError, UnsupportedError
from harness.models.files import CONVERTED, located
from harness.records.schema import Outcome
from harness.sweep.manifest import Cell

if TYPE_CHECKING:
    from harness.models.onnx_file import OnnxFile

AS_CONVERTED = PrecisionSettings(name="file", dtype="file")
"""The arithmetic of a converted file: what it was converted with, which it does not tell."""


@dataclass
class FileReader:
    """Reads each file of a sweep once."""

    _known: dict[str, OnnxFile | UnsupportedError]

    def cell(self, cell: Cell) -> Cell:
        """The cell with everything filled in that its file says.

        Raises:
            ConfigError: the file is none, or what the user says does not fit it.
        """
        path = located(cell.settings.model.file or "")
        settings = replace(cell.settings, model=replace(cell.settings.model, file=str(path)))
        if settings.model.kind == CONVERTED:
            if path.suffix == ".onnx":
                raise ConfigError(f"model.file={path}: an ONNX file; use model=onnx")
            return replace(cell, settings=_as_converted(settings, cell.overrides))
        if _named(cell.overrides, "export.opset"):
            raise ConfigError(f"export.opset: {path.name} keeps the opset that it has; leave export.opset out")
        try:
            settings, notes = self._filled(settings, cell.overrides)
        except UnsupportedError as error:
            outcome = Outcome(status="unsupported", reason="model_file", message=str(error), hint=error.hint)
            return replace(cell, settings=settings, decided=cell.decided or outcome)
        return replace(cell, settings=settings, notes=(*cell.notes, *notes))

    def _filled(self, settings: Settings, overrides: Sequence[str]) -> tuple[Settings, tuple[str, ...]]:
        from harness.models.onnx_inputs import static_inputs

        model = settings.model
        file = self._described(model)
        inputs, notes = static_inputs(file, settings.batchsize, model.dims, model.inputs)
        _check_outputs(model, file)
        precision = _precision(settings, file, overrides)
        filled = replace(model, inputs=inputs, outputs=file.outputs)
        export = replace(settings.export, opset=None)
        return replace(settings, model=filled, precision=precision, export=export), notes

    def _described(self, model: ModelSettings) -> OnnxFile:
        from harness.models.onnx_file import describe_onnx

        path = located(model.file or "")
        if str(path) not in self._known:
            try:
                self._known[str(path)] = describe_onnx(path)
            except UnsupportedError as error:
                self._known[str(path)] = error
        found = self._known[str(path)]
        if isinstance(found, UnsupportedError):
            raise found
        return found


def _check_outputs(model: ModelSettings, file: OnnxFile) -> None:
    """Outputs that are named must be the file's: taking some of them is no part of measuring."""
    if model.outputs not in {(), ("output",), file.outputs}:
        raise ConfigError(f"model.outputs=[{', '.join(model.outputs)}]: {file.path.name} has {', '.join(file.outputs)}")


def _precision(settings: Settings, file: OnnxFile, overrides: Sequence[str]) -> PrecisionSettings:
    """The file's own arithmetic where the backend runs it as it is, else what is asked for.

    Raises:
        UnsupportedError: another one was asked for by name.
    """
    asked = settings.precision
    if ".onnx" not in reads(backend(settings.backend)) or file.precision == asked.name:
        return asked
    if _named(overrides, "precision") and asked.dtype != "file":
        raise UnsupportedError(
            f"precision={asked.name}: {file.path.name} is {file.precision}, and {settings.backend.name} runs a file as "
            "it is; leave precision out"
        )
    return PrecisionSettings(name=file.precision, dtype="file")


def _as_converted(settings: Settings, overrides: Sequence[str]) -> Settings:
    """The settings of a converted file; a precision that the user names is a label that he answers for.

    Raises:
        ConfigError: nobody says what its inputs are.
    """
    model = settings.model
    runtime = backend(settings.backend)
    if not model.inputs and _readable(settings) and not isinstance(runtime, DescribesInputs):
        raise ConfigError(
            f"model.inputs is missing: {settings.backend.name} cannot ask {model.file} for its inputs; "
            "give 'model.inputs=[{name: input, shape: [1, 3, 224, 224], dtype: float32}]'"
        )
    precision = settings.precision if _named(overrides, "precision") else AS_CONVERTED
    return replace(settings, model=replace(model, outputs=()), precision=precision)


def _readable(settings: Settings) -> bool:
    return located(settings.model.file or "").suffix in reads(backend(settings.backend))


def _named(overrides: Sequence[str], key: str) -> bool:
    """Whether the command line gives this key a value of its own."""
    return any(each.lstrip("+").startswith(f"{key}=") and not each.endswith("=auto") for each in overrides)

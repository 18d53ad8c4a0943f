"""What can be known to fail before anything runs: files that are not there, and what a backend does not do."""

from __future__ import annotations

from pathlib import Path

from harness.backends.protocol import BuildsForCell, reads
from harness.backends.registry import cell_backend
from harness.config.schema import Settings
from harness.errors import UnsupportedError
from harness.models.files import CONVERTED
from harness.records.schema import Outcome
from harness.stages.export import checkpoint_path


def preflight(settings: Settings) -> Outcome | None:
    """The outcome of a cell that cannot run here, or None for one that may. Imports no runtime.

    Raises:
        ConfigError: a file that the settings name is not there, which is a mistake and no result.
    """
    checkpoint_path(settings)
    try:
        runtime = cell_backend(settings)
    except UnsupportedError as error:
        return Outcome(status="unsupported", reason=error.reason, message=str(error))
    if settings.model.kind == CONVERTED:
        return _unreadable(settings, reads(runtime))
    if settings.export_only or settings.precision.dtype == "file":
        return None
    try:
        runtime.check_precision(settings.precision)
    except UnsupportedError as error:
        return Outcome(status="unsupported", reason="precision", message=str(error))
    if isinstance(runtime, BuildsForCell):
        runtime.conversion_key()  # refuses flags that its converter does not take
    return None


def _unreadable(settings: Settings, suffixes: tuple[str, ...]) -> Outcome | None:
    """The outcome of a converted file that the backend does not read."""
    file = Path(settings.model.file or "")
    if file.suffix in suffixes:
        return None
    known = ", ".join(suffixes) or "only what it converts itself"
    return Outcome(
        status="unsupported",
        reason="model_file",
        message=f"model.file={file.name}: {settings.backend.name} on {settings.soc_version.name} reads {known} and no "
        f"{file.suffix or 'file without a suffix'}; measure it where its device is, or the ONNX file "
        "that it was made from with model=onnx",
    )

"""What can be known to fail before anything runs: files that are not there, and what a backend does not do."""

from __future__ import annotations

from harness.backends.registry import backend
from harness.config.schema import Settings
from harness.errors import UnsupportedError
from harness.records.schema import Outcome
from harness.stages.export import checkpoint_path


def preflight(settings: Settings) -> Outcome | None:
    """The outcome of a cell that cannot run here, or None for one that may. Imports no runtime.

    Raises:
        ConfigError: a file that the settings name is not there, which is a mistake and no result.
    """
    checkpoint_path(settings)
    try:
        backend(settings.backend).check_precision(settings.precision)
    except UnsupportedError as error:
        return Outcome(status="unsupported", reason="precision", message=str(error))
    return None

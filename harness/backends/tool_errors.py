"""How a tool's failure ends a cell: outcome, reason and hint of ``harness.parsing.failures``, as the error to raise."""

from __future__ import annotations

from harness.errors import CrashedError, DeviceTimeoutError, HarnessError, OutOfMemoryError, UnsupportedError
from harness.parsing.failures import Failure, classify

ERRORS: dict[str, type[HarnessError]] = {
    "oom": OutOfMemoryError,
    "unsupported": UnsupportedError,
    "timeout": DeviceTimeoutError,
    "crashed": CrashedError,
}


def tool_error(tool: str, failure: Failure) -> HarnessError:
    """The error that a failure amounts to; its message are the tool's own words."""
    kind = ERRORS.get(failure.outcome, HarnessError)
    return kind(f"{tool}: {failure.message}", reason=failure.reason, hint=failure.hint)


def explained(tool: str, text: str, exit_status: int | None, otherwise: str) -> HarnessError:
    """The error for a tool that did not do what it should; ``otherwise`` where its text names no cause."""
    failure = classify(text, exit_status)
    if failure is None:
        return HarnessError(
            f"{tool}: {otherwise}", reason="no_result", hint="the log of this step has all that it printed"
        )
    return tool_error(tool, failure)

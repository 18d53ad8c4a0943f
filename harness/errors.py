"""The exceptions that a user can cause: one line says what was given, what was expected and what to do."""

from __future__ import annotations


class HarnessError(Exception):
    """An error whose message is meant for the user and is printed without a traceback.

    The message is one line: what was given, what was expected, what to do. Where it ends a cell, ``status`` is the
    outcome, ``reason`` its code (snake_case) and ``hint`` what to do next.
    """

    status: str = "failed"
    reason: str = "refused"

    def __init__(self, message: str, *, reason: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason or type(self).reason
        self.hint = hint


class ConfigError(HarnessError):
    """A wrong key, group or value on the command line or in a YAML file; nothing has been started."""


class UnsupportedError(HarnessError):
    """The request is understood but this machine, backend or model cannot do it (outcome ``unsupported``)."""

    status = "unsupported"
    reason = "unsupported"


class OutOfMemoryError(HarnessError):
    """The device or the host had too little memory (outcome ``oom``)."""

    status = "oom"
    reason = "out_of_memory"


class DeviceTimeoutError(HarnessError):
    """The device or its tool took longer than it may (outcome ``timeout``)."""

    status = "timeout"
    reason = "device_timeout"


class CrashedError(HarnessError):
    """A tool of the device crashed (outcome ``crashed``)."""

    status = "crashed"
    reason = "crashed"

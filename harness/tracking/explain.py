"""Turns what MLflow, SQLite, the disk and the network raise into one line that says what to do."""

from __future__ import annotations

import errno

from harness.errors import HarnessError
from harness.records.redaction import redact_text

_UNWRITABLE = "cannot be written; check permissions, or set tracking.uri"
_FULL = "the disk is full; free space and publish again"
_DAMAGED = (
    "damaged SQLite file; move it away (the next publication fills a new one from the records) or restore a backup"
)
_SILENT = "the tracking server does not answer; start it or check tracking.uri, then publish again"
_FAILING = "the tracking server fails ({message}); see its log, then publish again"
_REFUSED = "the server refused the credentials; set MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN"
_STRANGE = (
    "what answers there is no MLflow server, or a proxy before it that refuses ({message}); check tracking.uri and "
    "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD"
)

# What a message holds (lower case) -> what to say. Taken in order: the first that fits.
_KNOWN = (
    (
        "out-of-date database schema",
        "database of another MLflow version; back it up, then run: mlflow db upgrade {uri}",
    ),
    ("readonly database", _UNWRITABLE),
    ("read-only file system", _UNWRITABLE),
    ("permission denied", _UNWRITABLE),
    (
        "unable to open database",
        "cannot be opened or created; check the folder and its permissions, or set tracking.uri",
    ),
    ("disk is full", _FULL),
    ("no space left", _FULL),
    ("disk i/o error", "the disk fails or is full (disk I/O error); see the kernel log, then publish again"),
    ("database is locked", "another program holds the database; close it and publish again"),
    ("not a database", _DAMAGED),
    ("disk image is malformed", _DAMAGED),
    ("no such table", "not a complete MLflow database; move it away or set tracking.uri to another file"),
    ("must be in the 'active' state", "the experiment or run was deleted in MLflow meanwhile; publish again"),
    ("error code 401", _REFUSED),
    ("error code 403", _REFUSED),
    ("error 401", _REFUSED),
    ("error 403", _REFUSED),
    ("internal_error: response:", _STRANGE),
    ("too many 50", _FAILING),
    ("error code 50", _FAILING),
    ("error 50", _FAILING),
    ("max retries exceeded", _SILENT),
    ("connection refused", _SILENT),
    ("failed to establish", _SILENT),
    ("name or service not known", _SILENT),
    ("timed out", _SILENT),
    ("connection aborted", _SILENT),
    ("connection reset", _SILENT),
)
_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "the disk quota is used up; free space and publish again",
    errno.EROFS: "cannot be written, the file system is read-only; set HARNESS_HOME or tracking.uri",
    errno.EACCES: _UNWRITABLE,
    errno.EPERM: _UNWRITABLE,
}
_LONGEST = 300


def explain(error: BaseException, uri: str) -> str:
    """One line on why a store could not be used: the URI without its password, what is wrong, what to do."""
    if isinstance(error, HarnessError):
        return redact_text(str(error))
    shown = redact_text(uri)
    if isinstance(error, OSError) and error.errno in _ERRNO:
        return f"{error.filename2 or error.filename or shown}: {_ERRNO[error.errno]}"  # the second one is copied to
    message = redact_text(" ".join(str(error).split()))[:_LONGEST]
    lowered = str(error).lower()
    for needle, advice in _KNOWN:
        if needle in lowered:
            return f"{shown}: {advice.format(uri=shown, message=message)}"
    return f"{shown}: {type(error).__name__}: {message}"

"""From a record's folder to a job: the record as it was read, the store it goes to, and where its files lie."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.records.io import RECORD_FILE, home_of, parse_record
from harness.records.schema import Record
from harness.tracking.store import resolve_uri


@dataclass(frozen=True)
class Job:
    """One readable record on its way to one experiment. ``digest`` is the SHA-256 of its ``record.json``."""

    folder: Path
    record: Record
    digest: str
    home: Path
    uri: str
    experiment: str
    log_onnx: bool


def read_job(folder: Path, *, home: Path | None, uri: str | None, experiment: str | None) -> Job | None:
    """Read a record and find out where it goes; None for one that asks not to be tracked.

    ``home``, ``uri`` and ``experiment`` replace what the record and its place say. With ``uri`` all are tracked.

    Raises:
        HarnessError: no readable record, or a store whose password is missing.
    """
    path = folder / RECORD_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror}); expected the folder of a record") from error
    record = parse_record(content, path)
    wanted: Mapping[str, object] = record.settings.get("tracking") or {}
    if uri is None and not wanted.get("enabled", True):
        return None
    place = home or home_of(folder) or Path(os.environ.get("HARNESS_HOME") or "mlruns")
    recorded = wanted.get("uri")
    return Job(
        folder=folder,
        record=record,
        digest=hashlib.sha256(content).hexdigest(),
        home=place.absolute(),
        uri=resolve_uri(uri or (str(recorded) if recorded else None), place),
        experiment=experiment or str(wanted.get("experiment") or "harness"),
        log_onnx=bool(wanted.get("log_onnx", True)),
    )

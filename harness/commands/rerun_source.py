"""What is to be measured again: a record in a folder, a home, a bundle or MLflow, and whether it can be at all."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError, HarnessError
from harness.records.io import RECORD_FILE, parse_record
from harness.records.redaction import redact_text
from harness.records.schema import Original, Record

RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Source:
    """A record, and the folder of its other files where there is one on this machine."""

    record: Record
    folder: Path | None

    @property
    def original(self) -> Original:
        """What a rerun's record says of it."""
        return Original(self.record.record_id, self.record.sweep_id, self.record.name)


def find_source(name: str, home: Path, tracking_uri: str | None) -> Source:
    """The one record that a name means: a folder, its record.json, SWEEP/CELL, BUNDLE.zip:CELL or the id of a run.

    Raises:
        ConfigError: there is none, there are several, it is damaged, or it holds no result that could be repeated.
    """
    found = _of_run(name, home, tracking_uri) if RUN_ID.fullmatch(name) else _of_folder(name, home)
    record, words = found.record, found.original.words
    if record.source == "reference":
        raise ConfigError(f"{words}: published by somebody else; only what was measured here can be measured again")
    if record.outcome.status == "skipped":
        raise ConfigError(f"{words}: was skipped ({record.outcome.message}), so there is no result to repeat")
    if record.outcome.status == "cancelled":
        advice = f"python -m harness.resume {record.sweep_id} goes on with it"
        raise ConfigError(f"{words}: was stopped before it was finished, so there is no result to repeat; {advice}")
    return found


def _of_folder(name: str, home: Path) -> Source:
    from harness.records.bundle_read import is_bundle
    from harness.records.find import named_folder, records_below

    path = Path(name)
    found = records_below(named_folder(str(path.parent) if path.name == RECORD_FILE else name, home))
    if len(found) != 1:
        inside = f"{name}:" if is_bundle(path.expanduser()) else ""
        cells = ", ".join(f"{inside}{record.sweep_id}/{record.name}" for _, record in found[:3])
        more = ", ..." if len(found) > 3 else ""
        raise ConfigError(f"{name}: holds {len(found)} records; give one of them ({cells}{more})")
    folder, record = found[0]
    return Source(record, folder)


def _of_run(run_id: str, home: Path, tracking_uri: str | None) -> Source:
    from harness.tracking.fetch import fetch_run

    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(home / 'mlflow.db').resolve()}"
    try:
        found = fetch_run(uri, run_id)
        if found.problem is not None:
            raise ConfigError(f"run {run_id} of {redact_text(uri)}: {found.problem}")
        return Source(parse_record(found.content or b"", Path(found.place)), None)
    except HarnessError as error:
        raise ConfigError(str(error)) from error

"""Logs a report to MLflow: a run of its own with the report in every format, in an experiment beside the cells'."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from harness.errors import HarnessError
from harness.records.found import Run
from harness.records.redaction import redact_text
from harness.tracking.explain import explain
from harness.tracking.store import find_experiment, open_store, resolve_uri

EXPERIMENT = "harness-reports"
REPORT = "harness.report"
"""The tag by which a report's run is known."""
FOLDER = "report"


def log_report(texts: Mapping[str, str], home: Path, uri: str | None = None, *, tables: Sequence[str] = ()) -> str:
    """Log the files (name to content) as a finished run; returns its page. ``tables`` are the names in its tag.

    ``uri`` None means the home's own store, which is made where there is none.

    Raises:
        HarnessError: the store cannot be reached or written, with what to do.
    """
    whole = resolve_uri(uri, home)
    try:
        with open_store(whole, home) as client:
            experiment = find_experiment(client, EXPERIMENT, whole, home)
            started = datetime.now(timezone.utc)
            name = f"report {started:%Y-%m-%d %H:%M:%S}"
            run = client.create_run(experiment, tags={REPORT: " ".join(tables) or "empty"}, run_name=name)
            client.set_terminated(run.info.run_id)  # first: one that fails from here on must not seem to be running
            with tempfile.TemporaryDirectory(prefix="harness-report-") as folder:
                for file, text in texts.items():
                    (Path(folder) / file).write_bytes(text.encode("utf-8", "replace"))
                client.log_artifacts(run.info.run_id, folder, FOLDER)
            return f"{name} in {redact_text(whole)}, {Run(redact_text(whole), experiment, run.info.run_id).page}"
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(explain(error, whole)) from error

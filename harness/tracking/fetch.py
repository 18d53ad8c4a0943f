"""Brings records back from an MLflow store: the ``record.json`` of each run that this project published."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.records.found import Found
from harness.records.found import Run as RunLink
from harness.records.io import RECORD_FILE
from harness.records.redaction import redact_text
from harness.tracking.explain import explain
from harness.tracking.reports import REPORT
from harness.tracking.session import RECORD_ID
from harness.tracking.sqlite import check_version, sqlite_path
from harness.tracking.store import ask_briefly, local_folder, quiet_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

ARTIFACT = f"record/{RECORD_FILE}"
_PER_PAGE = 1000
_ABSENT = "RESOURCE_DOES_NOT_EXIST"
_NAMED = 3


def fetch_records(uri: str) -> Iterator[Found]:
    """The records of all runs of a store, experiment by experiment; runs of others are named in one problem each.

    Nothing is written: a SQLite file that does not exist or belongs to another MLflow version is refused.

    Raises:
        HarnessError: the store cannot be reached or read, with what to do about it.
    """
    path = sqlite_path(uri)
    try:
        if path is not None:
            _check_sqlite(path)
        quiet_mlflow()
        from mlflow import MlflowClient

        ask_briefly(uri)
        client = MlflowClient(tracking_uri=uri)
        for experiment in client.search_experiments():
            yield from _of_experiment(client, experiment, uri)
    except Exception as error:
        raise HarnessError(explain(error, uri)) from error


def fetch_run(uri: str, run_id: str) -> Found:
    """The record of one run.

    Raises:
        HarnessError: the store cannot be reached, has no such run, or that is none of ours.
    """
    path = sqlite_path(uri)
    try:
        if path is not None:
            _check_sqlite(path)
        quiet_mlflow()
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri)
        run = client.get_run(run_id)
    except Exception as error:
        if getattr(error, "error_code", None) == _ABSENT:
            raise HarnessError(f"{run_id}: no such run in {redact_text(uri)}; give the URI of its store") from error
        raise HarnessError(explain(error, uri)) from error
    if RECORD_ID not in run.data.tags:
        raise HarnessError(f"run {run_id} of {redact_text(uri)}: was not published by the harness; it has no record")
    return _of_run(client, run, uri)


def find_runs(home: Path) -> dict[str, RunLink]:
    """The newest runs of a home's own store by the record that each was published from; none without a store.

    Raises:
        HarnessError: the store cannot be read, with what to do about it.
    """
    path = home / "mlflow.db"
    if not path.is_file():
        return {}
    uri = f"sqlite:///{path.resolve()}"
    try:
        _check_sqlite(path)
        quiet_mlflow()
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri)
        experiments = [each.experiment_id for each in client.search_experiments()]
        found = client.search_runs(experiments, max_results=_PER_PAGE, order_by=["attributes.start_time DESC"])
    except Exception as error:
        raise HarnessError(explain(error, uri)) from error
    return {
        run.data.tags[RECORD_ID]: RunLink(redact_text(uri), run.info.experiment_id, run.info.run_id)
        for run in found
        if RECORD_ID in run.data.tags
    }


def _check_sqlite(path: Path) -> None:
    if not path.is_file():
        raise HarnessError(f"{path}: no such file; expected the database of an MLflow store (<home>/mlflow.db)")
    check_version(path)


def _of_experiment(client: MlflowClient, experiment: Experiment, uri: str) -> Iterator[Found]:
    foreign: list[str] = []
    token: str | None = None
    while True:
        page = client.search_runs([experiment.experiment_id], max_results=_PER_PAGE, page_token=token)
        for run in page:
            if RECORD_ID in run.data.tags:
                yield _of_run(client, run, uri)
            elif REPORT not in run.data.tags:
                foreign.append(run.info.run_name or run.info.run_id)
        token = page.token
        if not token:
            break
    if foreign:
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        runs = "run" if len(foreign) == 1 else "runs"
        named = f"{len(foreign)} {runs} of others left out ({', '.join(foreign[:_NAMED])}{more})"
        yield Found(f"{redact_text(uri)}, experiment {experiment.name}", problem=named)


def _of_run(client: MlflowClient, run: Run, uri: str) -> Found:
    """The record of one run; its artifact is read where it lies if that is on this machine."""
    link = RunLink(redact_text(uri), run.info.experiment_id, run.info.run_id)
    place = f"{link.uri}, run {run.info.run_name} ({run.info.run_id})"
    local = local_folder(run.info.artifact_uri)
    try:
        if local is not None:
            return Found(place, content=(local / ARTIFACT).read_bytes(), run=link)
        with tempfile.TemporaryDirectory(prefix="harness-fetch-") as folder:
            content = Path(client.download_artifacts(run.info.run_id, ARTIFACT, folder)).read_bytes()
        return Found(place, content=content, run=link)
    except Exception as error:
        reason = f"its artifact {ARTIFACT} is missing" if isinstance(error, FileNotFoundError) else explain(error, uri)
        return Found(place, problem=reason, run=link)

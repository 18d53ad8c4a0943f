"""Fills one run from its record, in steps that may each be done again: values, files, ONNX, note, and the last tag."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.tracking import describe, values
from harness.tracking.artifacts import blob_path, upload_files, upload_onnx
from harness.tracking.jobs import Job
from harness.tracking.note import note
from harness.tracking.session import (
    CONVERTED_HELD,
    CONVERTED_PATH,
    CONVERTED_RUN,
    ONNX_HELD,
    ONNX_PATH,
    ONNX_RUN,
    PUBLISHED,
    RECORD_ID,
    Session,
)

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

# MLflow takes at most 100 params, 100 tags and 1000 entities in all at once.
_PER_BATCH, _METRICS_PER_BATCH = 100, 800


def fill_run(session: Session, job: Job, run: Run | None) -> Run:
    """Bring the record's run to what its record says, creating it where there is none; returns it.

    ``harness.published`` is set last: a run without it, or with another hash, is incomplete and is filled again.

    Raises:
        Exception: whatever MLflow, the disk or the network raise; the run is completed by the next publication.
    """
    record = job.record
    holder = _onnx_holder(session, job)
    elsewhere = holder is not None and (run is None or holder != run.info.run_id)
    page = f"#/experiments/{session.experiment_id}/runs/{holder}?workflowType=machine_learning"
    tags = {
        **describe.tags(record),
        RECORD_ID: record.record_id,
        "mlflow.note.content": note(record, job.folder, onnx_link=page if elsewhere else None),
    }
    if run is None:
        started = describe.milliseconds(record.started)
        run = session.client.create_run(session.experiment_id, started, tags, run_name=record.name)
        session.runs[record.record_id] = [run]
    # Ended first: a publisher that dies from here on leaves an incomplete run, but none that seems to be running.
    status = describe.RUN_STATUS[record.outcome.status]
    session.client.set_terminated(run.info.run_id, status, describe.milliseconds(record.finished))
    _log_values(session, run, job, tags)
    upload_files(session.client, run, record, job.folder, job.home / "sweeps" / record.sweep_id)
    last = {**_place_onnx(session, run, job, holder), **_place_converted(session, run, job)}
    session.set_tags(run, {**last, PUBLISHED: job.digest})
    for held in (ONNX_HELD, CONVERTED_HELD):
        if held in last:
            session.onnx_runs[last[held]] = run.info.run_id
    return run


def _log_values(session: Session, run: Run, job: Job, tags: Mapping[str, str]) -> None:
    """Tags that differ, params that the run lacks, metrics. A param cannot change: its new value goes to a tag."""
    from mlflow.entities import Param, RunTag

    record, folder = job.record, job.folder
    wanted = values.params(record)
    changed = {key: value for key, value in tags.items() if run.data.tags.get(key) != value}
    drift = {key: value for key, value in wanted.items() if run.data.params.get(key, value) != value}
    if drift:
        text = "; ".join(f"{key}: {run.data.params[key]} -> {value}" for key, value in drift.items())
        changed["harness.param_drift"] = text[: describe.MAX_TAG]
    for key in describe.CHANGING_TAGS:
        if key in run.data.tags and key not in tags:
            session.client.delete_tag(run.info.run_id, key)
    waiting_tags = [RunTag(key, value) for key, value in changed.items()]
    waiting_params = [Param(key, value) for key, value in wanted.items() if key not in run.data.params]
    waiting_metrics = _metrics(run, values.metrics(record, folder))
    while waiting_tags or waiting_params or waiting_metrics:
        session.client.log_batch(
            run.info.run_id,
            metrics=waiting_metrics[:_METRICS_PER_BATCH],
            params=waiting_params[:_PER_BATCH],
            tags=waiting_tags[:_PER_BATCH],
        )
        waiting_metrics = waiting_metrics[_METRICS_PER_BATCH:]
        waiting_params, waiting_tags = waiting_params[_PER_BATCH:], waiting_tags[_PER_BATCH:]


def _metrics(run: Run, points: Sequence[values.Point]) -> list[Metric]:
    """The points as MLflow's metrics, made so that the newest value of a headline is the one that is shown.

    MLflow shows the value with the greatest step, then time, then value. A headline that the record no longer has
    becomes NaN: a failed run must not keep the throughput of an earlier state.
    """
    from mlflow.entities import Metric

    shown = {metric.key: metric for metric in run.data._metric_objs}  # noqa: SLF001 - the only way to their times
    found = []
    for point in points:
        old = shown.pop(point.key, None)
        time = point.timestamp_ms
        if point.step == 0 and old is not None and old.value != point.value:
            time = max(time, old.timestamp + 1)
        found.append(Metric(point.key, point.value, time, point.step))
    for key, old in shown.items():
        if old.step == 0 and not math.isnan(old.value):
            found.append(Metric(key, math.nan, old.timestamp + 1, 0))
    return found


def _onnx_holder(session: Session, job: Job) -> str | None:
    """The id of the run that holds the record's ONNX file already, or None."""
    onnx = describe.onnx_artifact(job.record)
    return session.onnx_run(onnx[1].sha256) if onnx is not None and job.log_onnx else None


def _place_onnx(session: Session, run: Run, job: Job, holder: str | None) -> dict[str, str]:
    """Put the ONNX file into the run where no run holds it; returns the tags that say where it is."""
    onnx = describe.onnx_artifact(job.record)
    if onnx is None:
        return {}
    name, artifact = onnx
    blob = blob_path(job.home, artifact)
    if not job.log_onnx:
        return {ONNX_PATH: str(blob)}
    if holder is not None:
        return {ONNX_RUN: holder}
    if not blob.is_file():
        return {ONNX_PATH: f"{blob} (not there when this run was published)"}
    upload_onnx(session.client, run, blob, f"model/{_model_name(job)}-{name}{artifact.suffix}")
    return {ONNX_HELD: artifact.sha256, ONNX_RUN: run.info.run_id}


def _place_converted(session: Session, run: Run, job: Job) -> dict[str, str]:
    """The same for what a backend's tools made of it, such as an OM file."""
    artifact = describe.converted_artifact(job.record)
    if artifact is None:
        return {}
    blob = blob_path(job.home, artifact)
    if not job.log_onnx or not blob.is_file():
        return {CONVERTED_PATH: str(blob) if blob.is_file() else f"{blob} (not there when this run was published)"}
    holder = session.onnx_run(artifact.sha256, CONVERTED_HELD)
    if holder is not None:
        return {CONVERTED_RUN: holder}
    upload_onnx(session.client, run, blob, f"model/{_model_name(job)}{artifact.suffix}")
    return {CONVERTED_HELD: artifact.sha256, CONVERTED_RUN: run.info.run_id}


def _model_name(job: Job) -> str:
    return describe.allowed_key(str(describe.group_name(job.record.settings.get("model")))).replace("/", "_")

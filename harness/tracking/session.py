"""An open experiment and the runs that are known in it: finding a record's run, and the one that holds a model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.tracking.jobs import Job

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RECORD_ID = "harness.record_id"
PUBLISHED = "harness.published"
ONNX_HELD = "harness.onnx_held"
ONNX_RUN = "harness.onnx_run"
ONNX_PATH = "harness.onnx_path"
CONVERTED_HELD = "harness.converted_held"
CONVERTED_RUN = "harness.converted_run"
CONVERTED_PATH = "harness.converted_path"

_RUNS_PER_PAGE = 1000
_FEW = 10


@dataclass
class Session:
    """An experiment of an open store, with what was already looked up in it. ``runs`` are by record id."""

    client: MlflowClient
    experiment_id: str
    runs: dict[str, list[Run]] = field(default_factory=dict)
    onnx_runs: dict[str, str | None] = field(default_factory=dict)

    def search(self, tag: str, value: str, view_type: int, limit: int | None = None) -> list[Run]:
        """All runs whose tag has the value, or the first ``limit`` ones.

        Raises:
            HarnessError: the value holds a quote, for which MLflow's search grammar has no escape.
        """
        if "'" in value:
            raise HarnessError(f"{value}: an id holds a quote; expected letters, digits, - and _")
        found: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id],
                f"tags.`{tag}` = '{value}'",
                view_type,
                max_results=limit or _RUNS_PER_PAGE,
                page_token=token,
            )
            found += page
            token = page.token
            if not token or limit:
                return found

    def set_tags(self, run: Run, tags: Mapping[str, str]) -> None:
        """Set the tags in one request."""
        from mlflow.entities import RunTag

        if tags:
            self.client.log_batch(run.info.run_id, tags=[RunTag(key, value) for key, value in tags.items()])

    def look_up(self, jobs: Sequence[Job]) -> None:
        """Find the runs of all jobs, deleted ones included: a query a sweep, or one a record where there are few."""
        from mlflow.entities import ViewType

        sweeps: dict[str, list[str]] = {}
        for job in jobs:
            sweeps.setdefault(job.record.sweep_id, []).append(job.record.record_id)
        for sweep, identities in sweeps.items():
            queries = [(RECORD_ID, identity) for identity in identities]
            if len(identities) > _FEW:
                queries = [("harness.sweep", sweep)]
            for tag, value in queries:
                for run in self.search(tag, value, ViewType.ALL):
                    self.runs.setdefault(run.data.tags.get(RECORD_ID, ""), []).append(run)

    def one_run(self, record_id: str) -> Run | None:
        """The record's run. What two publishers made at the same moment is deleted but for the most complete one."""
        active = [run for run in self.runs.get(record_id, []) if run.info.lifecycle_stage == "active"]
        active.sort(key=lambda run: (PUBLISHED not in run.data.tags, ONNX_HELD not in run.data.tags, run.info.run_id))
        for surplus in active[1:]:
            self.client.delete_run(surplus.info.run_id)
        return active[0] if active else None

    def deleted_as(self, record_id: str, digest: str) -> bool:
        """Whether somebody deleted the record's run when the record was what it is now."""
        return any(run.data.tags.get(PUBLISHED) == digest for run in self.runs.get(record_id, []))

    def onnx_run(self, sha256: str, tag: str = ONNX_HELD) -> str | None:
        """The id of the run that holds the ONNX file (or what ``tag`` says) with this hash, or None."""
        from mlflow.entities import ViewType

        if sha256 not in self.onnx_runs:
            holders = self.search(tag, sha256, ViewType.ACTIVE_ONLY, limit=1)
            self.onnx_runs[sha256] = holders[0].info.run_id if holders else None
        return self.onnx_runs[sha256]

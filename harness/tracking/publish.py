"""Publishes records to MLflow so that it can be done again, or be cut off anywhere, and never doubles anything.

A run is found again by its tag ``harness.record_id`` and is complete when ``harness.published`` holds the SHA-256 of
the ``record.json`` it was filled from; that tag is written last. What came before is written so that writing it twice
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError
from harness.records.io import record_folders
from harness.tracking.explain import explain
from harness.tracking.fill import fill_run
from harness.tracking.jobs import Job, read_job
from harness.tracking.session import PUBLISHED, Session
from harness.tracking.store import find_experiment, open_store

_SAME_REASON = 2


@dataclass(frozen=True)
class Published:
    """What became of one record. ``reason`` says why it is delayed; nothing of it is lost then.

    ``unchanged``: MLflow already had it. ``removed``: somebody deleted its run in MLflow, and the record is still the
    same. ``untracked``: the record asks not to be tracked.
    """

    folder: Path
    state: Literal["published", "updated", "unchanged", "removed", "untracked", "delayed"]
    name: str = ""
    uri: str = ""
    experiment: str = ""
    experiment_id: str | None = None
    run_id: str | None = None
    reason: str | None = None


def publish(
    folders: Iterable[Path],
    *,
    home: Path | None = None,
    uri: str | None = None,
    experiment: str | None = None,
    progress: Callable[[Published], None] | None = None,
) -> list[Published]:
    """Publish the records at or below the folders; one result a record, by store in the order of the folders.

    ``home``, ``uri`` and ``experiment`` replace what a record and its place say; with ``uri`` a record that was not to
    be tracked is published too. Nothing is raised for a record or a store that fails: its result is ``delayed``.
    """
    results: list[Published] = []

    def done(result: Published) -> None:
        results.append(result)
        if progress is not None:
            progress(result)

    stores: dict[tuple[str, str], list[Job]] = {}
    for folder in _expand(folders):
        try:
            job = read_job(folder, home=home, uri=uri, experiment=experiment)
        except HarnessError as error:
            done(Published(folder, "delayed", reason=str(error)))
            continue
        if job is None:
            done(Published(folder, "untracked"))
        else:
            stores.setdefault((job.uri, job.experiment), []).append(job)
    for (store_uri, name), jobs in stores.items():
        _publish_store(store_uri, name, jobs, done)
    return results


def _expand(folders: Iterable[Path]) -> Iterator[Path]:
    """Each record below the given folders once; a folder without any stands for itself, to be reported."""
    seen = set()
    for given in folders:
        for folder in list(record_folders(Path(given))) or [Path(given)]:
            if folder.absolute() not in seen:
                seen.add(folder.absolute())
                yield folder


def _publish_store(uri: str, experiment: str, jobs: Sequence[Job], done: Callable[[Published], None]) -> None:
    """Publish to one experiment. A store that fails twice in a row in the same way is not asked again."""
    waiting = list(jobs)
    reasons: list[str] = []
    try:
        with open_store(uri, jobs[0].home) as client:
            session = Session(client, find_experiment(client, experiment, uri, jobs[0].home))
            session.look_up(jobs)
            while waiting and not (len(reasons) >= _SAME_REASON and len(set(reasons[-_SAME_REASON:])) == 1):
                job = waiting[0]
                try:
                    result = _publish_record(session, job)
                except Exception as error:
                    reasons.append(explain(error, uri))
                    result = _delayed(job, reasons[-1])
                else:
                    reasons.clear()
                waiting.pop(0)
                done(result)
    except Exception as error:
        reasons.append(explain(error, uri))
    for job in waiting:
        done(_delayed(job, reasons[-1]))


def _publish_record(session: Session, job: Job) -> Published:
    run = session.one_run(job.record.record_id)
    result = Published(job.folder, "unchanged", job.record.name, job.uri, job.experiment, session.experiment_id)
    if run is None and session.deleted_as(job.record.record_id, job.digest):
        return replace(result, state="removed")
    if run is not None and run.data.tags.get(PUBLISHED) == job.digest:
        return replace(result, run_id=run.info.run_id)
    again = run is not None and PUBLISHED in run.data.tags
    filled = fill_run(session, job, run)
    return replace(result, state="updated" if again else "published", run_id=filled.info.run_id)


def _delayed(job: Job, reason: str) -> Published:
    return Published(job.folder, "delayed", job.record.name, job.uri, job.experiment, reason=reason)

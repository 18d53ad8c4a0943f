"""A publication that dies, at any write or by SIGKILL, is completed by the next one and never doubled."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.tracking import artifacts
from harness.tracking.publish import publish
from tests.tracking.synthetic import make_record

ROOT = Path(__file__).resolve().parents[2]
CLIENT_WRITES = ("create_run", "set_terminated", "log_batch", "delete_tag", "delete_run")
FILE_WRITES = ("_copy", "_link", "_write_repeats")
# What differs between two records of the same content but for their ids and their ONNX file.
OWN = ("harness.record_id", "harness.sweep", "harness.published", "harness.onnx_held", "harness.onnx_sha256")


class Died(BaseException):
    """What a kill is to a process: no handler runs for it."""


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[None]:
    """End the publication just before its ``at``-th write, which is just after the one before."""
    from mlflow import MlflowClient

    seen = 0

    def deadly(function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == at:
                raise Died
            return function(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in CLIENT_WRITES:
            patch.setattr(MlflowClient, name, deadly(getattr(MlflowClient, name)))
        for name in FILE_WRITES:
            patch.setattr(artifacts, name, deadly(getattr(artifacts, name)))
        yield


def without_identity(state: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in state["tags"].items() if key not in {*OWN, "mlflow.note.content"}}
    return {**state, "tags": kept}


def test_a_publication_that_died_at_any_write_is_completed(
    home: Path, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish([make_record(home, rounds=1, sweep="undisturbed")[0]])
    expected = without_identity(look.everything(look.run()))
    survived, writes = False, 0
    while not survived:
        writes += 1
        sweep = f"died-{writes:02d}"
        folder, _ = make_record(home, rounds=1, sweep=sweep, onnx=sweep.encode())
        with dying(monkeypatch, writes):
            try:
                publish([folder])
                survived = True
            except Died:
                pass
        runs = [run for run in look.runs() if run.data.tags["harness.sweep"] == sweep]
        assert not runs or writes < 3 or runs[0].info.status == "FINISHED"
        publish([folder])
        (run,) = [run for run in look.runs() if run.data.tags["harness.sweep"] == sweep]
        assert without_identity(look.everything(run)) == expected
        assert [result.state for result in publish([folder])] == ["unchanged"]
    assert writes > 10


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "harness.publish", *map(str, arguments)]


def published(home: Path) -> int:
    """The number of complete runs, asked of the file itself."""
    with closing(sqlite3.connect(home / "mlflow.db", timeout=30)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM tags WHERE key = 'harness.published'").fetchone()[0])


@pytest.mark.slow
def test_a_killed_publisher_is_followed_by_a_whole_one(home: Path, look: Any) -> None:
    for cell in range(30):
        make_record(home, cell=cell, name=f"cell-{cell:02d}", rounds=2, onnx=b"%d" % (cell % 3))
    for goal in (1, 5, 12):
        child = subprocess.Popen(command(home / "records"), cwd=ROOT, stdout=subprocess.DEVNULL)
        while published(home) < goal and child.poll() is None:
            time.sleep(0.02)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert published(home) < 30
    subprocess.run(command(home / "records"), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    runs = look.runs()
    assert [run.info.run_name for run in runs] == [f"cell-{cell:02d}" for cell in range(30)]
    for run in runs:
        assert run.info.status == "FINISHED"
        assert run.data.metrics["processes"] == 2
        assert [m.step for m in look.client.get_metric_history(run.info.run_id, "repeat/load_s")] == [1, 2]
        assert "record/record.json" in look.artifacts(run)
    assert len({run.data.tags["harness.onnx_run"] for run in runs}) == 3


@pytest.mark.slow
def test_eight_publishers_at_once_on_an_empty_home(tmp_path: Path) -> None:
    home = tmp_path / "mlruns"
    for cell in range(40):
        make_record(home, sweep=f"s{cell // 5}", cell=cell, name=f"cell-{cell:02d}", rounds=1, onnx=b"%d" % (cell % 3))
    # Two of the eight also publish what belongs to others.
    folders = [[home / "records" / f"s{number}"] for number in range(6)] + [[home / "records"], [home / "records"]]
    children = [
        subprocess.Popen(command(f"home={home}", *each), cwd=ROOT, stdout=subprocess.DEVNULL) for each in folders
    ]
    assert [child.wait() for child in children] == [0] * 8
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    names = {experiment.name: experiment.experiment_id for experiment in client.search_experiments()}
    assert set(names) == {"Default", "harness"}
    assert client.search_runs([names["Default"]]) == []
    runs = client.search_runs([names["harness"]])
    assert sorted(run.info.run_name for run in runs) == [f"cell-{cell:02d}" for cell in range(40)]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all("harness.published" in run.data.tags for run in runs)
    assert len({run.data.tags["harness.onnx_run"] for run in runs}) == 3
    assert sorted(path.name for path in home.iterdir()) == [
        "artifacts",
        "mlflow.db",
        "mlflow.db.lock",
        "records",
        "store",
    ]

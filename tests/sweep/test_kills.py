"""A sweep that is killed with SIGKILL at random moments and gone on with is the same as one that was left alone."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.records.io import read_record
from harness.records.schema import Record

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("HARNESS_TEST_KILLS", "20"))
LATEST_S = 20.0
"""The latest moment of a kill after a process began; the sweep takes several times as long."""


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    """A command of the harness in an own session, with its output in a file."""
    environment = {**os.environ, "HARNESS_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / "output.txt").open("a") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *words], cwd=home.parent, env=environment, stdout=output, stderr=subprocess.STDOUT
        )


def sweep(home: Path) -> subprocess.Popen[str]:
    """Six cells of two batch sizes, two rounds each."""
    return start(
        home, "harness", "model=swin98_tiny", "batchsize=1,2", "measure=smoke", "measure.min_iterations=2,3,4",
        "measure.rounds=2", "measure.min_time_s=0", "measure.idle_policy=off", "tracking.log_onnx=false",
    )  # fmt: skip


def records(home: Path, sweep_id: str) -> list[Record]:
    """The records of a sweep in the order of its cells."""
    found = [read_record(path.parent) for path in (home / "records" / sweep_id).glob("*/record.json")]
    return sorted(found, key=lambda record: record.cell)


def essence(record: Record) -> tuple:
    """What must be equal whatever happened on the way."""
    return (
        record.name,
        record.outcome,
        [repeat.round for repeat in record.repeats],
        [(step.stage, step.round, step.outcome.status) for step in record.steps],
        record.artifacts,
        record.overrides,
        record.summary.throughput.n if record.summary else None,
        record.parity,
        record.weights,
    )


def table(home: Path, sweep_id: str) -> list[tuple[str, ...]]:
    """Cell, batch and outcome of each row of the kept table."""
    lines = (home / "sweeps" / sweep_id / "table.md").read_text().splitlines()
    rows = [[field.strip() for field in line.strip("|").split("|")] for line in lines if line.startswith("| swin98")]
    return [
        tuple(row[:2] + [each for each in row if re.match(r"(ok|failed|crashed|cancelled)\b", each)]) for row in rows
    ]


def published(home: Path, sweep_id: str) -> dict[str, list[tuple]]:
    """Of each record in MLflow: its live runs, with status and the metrics that they have."""
    with sqlite3.connect(home / "mlflow.db") as database:
        rows = database.execute(
            "select t.value, r.run_uuid, r.status from runs r join tags t on t.run_uuid = r.run_uuid"
            " join tags s on s.run_uuid = r.run_uuid where t.key = 'harness.record_id' and s.key = 'harness.sweep'"
            " and s.value = ? and r.lifecycle_stage = 'active'",
            [sweep_id],
        ).fetchall()
        keys = {
            run: sorted(
                key
                for (key,) in database.execute("select key from latest_metrics where run_uuid = ?", [run])
                if not key.startswith("wall_s/")  # of what the store held, which is the calm sweep's
            )
            for _, run, _ in rows
        }
    found: dict[str, list[tuple]] = {}
    for record_id, run, status in rows:
        found.setdefault(record_id, []).append((status, keys[run]))
    return found


def kill_some(parent: psutil.Process, chance: random.Random) -> str:
    """Kill the parent, one of its descendants, or all of them."""
    with suppress(psutil.Error):
        children = parent.children(recursive=True)
        victim = chance.choice(["parent", "child", "both"])
        victims = [parent] * (victim != "child")
        if victim != "parent" and children:
            victims = [*(children if victim == "both" else [chance.choice(children)]), *victims]
        for each in victims:
            with suppress(psutil.Error):
                each.kill()
        return f"{victim} ({len(victims)})"
    return "nothing"


@pytest.mark.slow
def test_a_sweep_killed_at_random_moments_and_resumed_is_like_one_left_alone(tmp_path: Path) -> None:
    calm = tmp_path / "calm" / "mlruns"
    assert sweep(calm).wait(timeout=900) == 0, (calm.parent / "output.txt").read_text()
    (calm_id,) = [path.parent.name for path in (calm / "sweeps").glob("*/manifest.json")]
    expected = [essence(record) for record in records(calm, calm_id)]
    assert [len(each[2]) for each in expected] == [2] * 6

    home = tmp_path / "killed" / "mlruns"
    shutil.copytree(calm / "store", home / "store")
    shutil.rmtree(home / "store" / "keys" / "simplify")  # exports take longest, and are killed like anything else
    chance, kills, sweeps = random.Random(20261122), 0, 0
    log: list[str] = []
    while kills < KILLS:
        known = set((home / "sweeps").glob("*/manifest.json"))
        running = sweep(home)
        sweeps += 1
        while not set((home / "sweeps").glob("*/manifest.json")) - known:  # before, there is nothing to go on with
            with suppress(subprocess.TimeoutExpired):
                running.wait(timeout=0.05)
                pytest.fail((home.parent / "output.txt").read_text())
        ((sweep_id),) = [path.parent.name for path in set((home / "sweeps").glob("*/manifest.json")) - known]
        while True:
            try:
                status = running.wait(timeout=chance.uniform(0, LATEST_S) if kills < KILLS else 900)
            except subprocess.TimeoutExpired:
                log.append(kill_some(psutil.Process(running.pid), chance))
                kills += 1
                continue
            if status == 0:
                break
            running = start(home, "harness.resume", sweep_id)
        assert start(home, "harness.resume", sweep_id).wait(timeout=900) == 0  # a publisher may have been the victim
        said = f"{log}\n{(home.parent / 'output.txt').read_text()[-2000:]}"
        found = records(home, sweep_id)
        assert [essence(record) for record in found] == expected, said
        assert len({record.record_id for record in found}) == 6
        assert len({repeat.started for record in found for repeat in record.repeats}) == 12, said
        assert table(home, sweep_id) == table(calm, calm_id)
        assert not (home / "sweeps" / sweep_id / "unfinished").exists()
        assert not list((home / "records" / sweep_id).rglob("*.partial"))
        runs = published(home, sweep_id)
        assert set(runs) == {record.record_id for record in found}
        calm_runs = published(calm, calm_id)
        assert [runs[each.record_id] for each in found] == [
            calm_runs[each.record_id] for each in records(calm, calm_id)
        ]
    print(f"{kills} kills in {sweeps} sweeps: {', '.join(log)}")

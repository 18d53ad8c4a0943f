"""A full disk under each stage in turn: the cell says so, nothing half-written stays, and with room it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.files import sha256_file
from harness.stages.collect import freed, planned
from harness.stages.holdings import holdings
from tests.stages.stocked import Home
from tests.sweep.test_run import command, harness, records

pytestmark = pytest.mark.slow

SMALL = ("measure.rounds=1", "measure.min_time_s=0.1")
NPU = ("soc_version=Ascend310P3", "simulator=cann", "model.graph.rules=[empty_parts]")
EVALUATE = ("evaluate=true", "dataset=shapes", "dataset.limit=1", "evaluate.examples=1")


def mounted(folder: Path, size: str) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def fill(folder: Path, leave_bytes: int) -> Path:
    """Take all room of the folder's disk but so much."""
    room = os.statvfs(folder)
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - leave_bytes)
    return ballast


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose store lies on a small disk of its own and holds everything for the batch sizes 1 and 2."""
    home = tmp_path_factory.mktemp("small")
    store = home / "mlruns" / "store"
    if not mounted(store, "100m"):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        done = harness(home, *NPU, "convert_only=true", "batchsize=1,2")
        assert done.returncode == 0, done.stdout + done.stderr
        yield home
    finally:
        subprocess.run(["umount", str(store)], check=True)


def forget(store: Path, record: dict, other: dict, stage: str) -> None:
    """Take away what a stage of one cell made, but for what the other cell needs as well."""
    (step,) = [each for each in record["steps"] if each["stage"] == stage]
    key = store / "keys" / stage / f"{step['key']}.json"
    shared = json.dumps(other)
    for artifact in json.loads(key.read_text())["artifacts"].values():
        if artifact["sha256"] not in shared:
            (store / "blobs" / f"{artifact['sha256']}{artifact['suffix']}").unlink(missing_ok=True)
    key.unlink()


def assert_whole(store: Path) -> None:
    """Nothing half-written: every file has the hash that it is called after, every key can be read."""
    for path in (store / "blobs").iterdir():
        assert sha256_file(path) == path.stem
    for path in (store / "keys").rglob("*.*"):
        assert path.suffix == ".json"
        json.loads(path.read_text())
    assert list((store / "work").iterdir()) == []


def full(home: Path, leave_bytes: int, *words: str) -> list[dict]:
    """The records of a sweep on a store with so much room; its cells that could not end ok are gone on with, with room.

    Asserts that the sweep says what happened and keeps the store whole, and that it succeeds in the end.
    """
    store = home / "mlruns" / "store"
    known = len(records(home))
    ballast = fill(store, leave_bytes)
    done = harness(home, *words)
    ballast.unlink()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "disk_full" in done.stdout
    assert_whole(store)
    found = records(home)[known:]
    assert "python -m harness.store gc" in found[-1]["outcome"]["hint"]

    again = [sys.executable, "-m", "harness.resume", found[0]["sweep_id"], "retry=failed"]
    _, environment = command(home)
    resumed = subprocess.run(again, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert {each["outcome"]["status"] for each in records(home)[known:]} == {"ok"}
    assert_whole(store)
    return found


def ended(record: dict) -> tuple[str, str, str]:
    outcome = record["outcome"]
    return outcome["status"], outcome["stage"], outcome["reason"]


@pytest.mark.parametrize("stage", ["export", "simplify", "rewrite", "convert", "parity"])
def test_a_full_disk_under_a_stage_costs_the_cell_that_needs_it(small: Path, stage: str) -> None:
    first, second = records(small)[:2]
    forget(small / "mlruns" / "store", second, first, stage)
    leave_bytes = 0 if stage == "parity" else 1 << 20  # 1 MB is more than what parity finds out
    cached, died = full(small, leave_bytes, *NPU, "convert_only=true", "batchsize=1,2")
    assert cached["outcome"]["status"] == "ok"
    assert ended(died) == ("failed", stage, "disk_full"), died["outcome"]
    assert records(small)[-1]["artifacts"] == second["artifacts"]


def test_a_full_disk_under_the_measurement(small: Path) -> None:
    (died,) = full(small, 1 << 20, *NPU, *SMALL, "batchsize=1")
    assert ended(died) == ("failed", "measure", "disk_full"), died["outcome"]


def test_a_full_disk_under_the_evaluation_keeps_what_was_measured(small: Path) -> None:
    (died,) = full(small, 0, "model.graph.rules=[empty_parts]", *SMALL, *EVALUATE, "batchsize=1")
    assert ended(died) == ("failed", "evaluate", "disk_full"), died["outcome"]
    assert len(died["repeats"]) == 1
    assert records(small)[-1]["repeats"] == died["repeats"]


def test_a_full_disk_under_the_records_loses_nothing_that_was_measured(small: Path, tmp_path: Path) -> None:
    home = tmp_path / "mlruns"
    assert mounted(home, "1m")
    try:
        (home / "store").symlink_to(small / "mlruns" / "store")
        words, environment = command(
            tmp_path, "model.graph.rules=[empty_parts]", "measure.min_time_s=0.1", "measure.rounds=3", "batchsize=1,2"
        )
        started = subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        assert started.stdout is not None
        said = ""
        for line in started.stdout:
            said += line
            if "measure 2/3  started" in line:
                ballast = fill(home, 0)
                break
        said += started.communicate(timeout=120)[0]
        assert started.returncode == 1, said
        for record in records(tmp_path):
            assert record["repeats"], "the first round is kept"
        problems = [line for line in said.splitlines() if line.startswith("warning: record of ")]
        assert len(problems) == 2
        assert "No space left on device" in problems[0]
        ballast.unlink()
        sweep_id = records(tmp_path)[0]["sweep_id"]
        again = [sys.executable, "-m", "harness.resume", sweep_id, "retry=failed"]
        resumed = subprocess.run(again, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert resumed.returncode == 0, resumed.stdout + resumed.stderr
        assert [(each["outcome"]["status"], len(each["repeats"])) for each in records(tmp_path)] == [("ok", 3)] * 2
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_a_disk_without_room_for_one_more_file_can_be_collected(tmp_path: Path) -> None:
    home = Home(tmp_path)
    if not mounted(tmp_path / "store", "1m,nr_inodes=12"):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        artifact = home.make("idle", 10)
        (home.root / "store" / "locks").mkdir()
        while os.statvfs(home.store.root).f_favail:
            (home.store.root / f"more-{os.statvfs(home.store.root).f_favail}").touch()
        plan = planned(holdings(home.store, home.root / "records"), size_bytes=0, before_s=1000)
        assert freed(plan, home.store) == []
        assert not home.store.path(artifact).exists()
        assert not home.key_path("idle").exists()
    finally:
        subprocess.run(["umount", str(tmp_path / "store")], check=True)

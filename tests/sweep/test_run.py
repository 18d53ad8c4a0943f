"""A sweep on real processes: what dies in the middle cell costs that cell only, and nothing measured is lost."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from harness.records.schema import SCHEMA_VERSION
from harness.sweep.process import GRACE_S

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "plugins"


def command(home: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """``python -m harness`` as a user types it, without MLflow, and its environment."""
    path = os.pathsep.join([str(ROOT), str(PLUGINS)])
    environment = {**os.environ, "HARNESS_HOME": str(home / "mlruns"), "PYTHONPATH": path, "COLUMNS": "200"}
    words = [sys.executable, "-m", "harness", "model=swin98_tiny", "measure=smoke", "tracking=none", *arguments]
    return words, environment


def harness(home: Path, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run it in an empty folder."""
    home.mkdir(parents=True, exist_ok=True)
    words, environment = command(home, *arguments)
    return subprocess.run(
        words, cwd=home, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


def records(home: Path) -> list[dict]:
    """All records below a home in the order of their cells, newest sweep last."""
    found = [json.loads(path.read_text()) for path in sorted((home / "mlruns" / "records").glob("*/*/record.json"))]
    return sorted(found, key=lambda record: (record["sweep_id"], record["cell"]))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store holds swin98_tiny at batch 1, from a first sweep of one healthy cell."""
    home = tmp_path_factory.mktemp("home")
    done = harness(home, "batchsize=1", "measure.rounds=1")
    assert done.returncode == 0, done.stdout + done.stderr
    return home


def test_the_first_sweep_leaves_a_complete_record(prepared: Path) -> None:
    (record,) = records(prepared)[:1]
    assert record["outcome"]["status"] == "ok"
    assert record["schema_version"] == SCHEMA_VERSION
    assert [step["stage"] for step in record["steps"]] == ["export", "simplify", "parity", "measure"]
    weights = record["weights"]
    assert (weights["kind"], weights["trained"], weights["dataset"]) == ("checkpoint", True, "shapes")
    assert weights["name"].endswith(f"-{weights['sha256'][:8]}.pth")
    assert record["summary"]["throughput"]["mean"] > 0
    assert all(step["peak_memory_bytes"] > 0 for step in record["steps"])
    repeat = record["repeats"][0]
    folder = prepared / "mlruns" / "records" / record["sweep_id"] / record["name"]
    assert (folder / repeat["samples_file"]).is_file()
    assert (folder / "environment.json").is_file()
    assert (folder / "logs" / "export.log").is_file()


def test_the_second_sweep_only_measures_and_the_rounds_interleave(prepared: Path) -> None:
    done = harness(
        prepared, "batchsize=1", "seed=0", "measure=smoke,quick", "measure.rounds=2", "measure.min_time_s=0.1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    one, other = records(prepared)[-2:]
    for record in (one, other):
        assert [step["stage"] for step in record["steps"] if not step["cached"]] == ["measure", "measure"]
    starts = sorted((repeat["started"], record["name"]) for record in (one, other) for repeat in record["repeats"])
    order = [name for _, name in starts]
    assert order == [one["name"], other["name"], other["name"], one["name"]]
    folder = prepared / "mlruns" / "records" / other["sweep_id"] / other["name"]
    for repeat in other["repeats"]:  # the profile quick samples telemetry
        assert repeat["telemetry"]["readings"] > 0
        assert (folder / repeat["telemetry"]["file"]).read_text().startswith("time_s,power_w,")
    assert (folder / "plots" / "telemetry.png").is_file()
    assert all("telemetry" not in repeat for repeat in one["repeats"])


@pytest.mark.parametrize(
    ("die", "status", "reason", "words"),
    [
        ("exception", "failed", "exception", "said [red]no[/red]"),
        ("exit0", "crashed", "no_result", "status 0"),
        ("kill", "crashed", "sigkill", "SIGKILL"),
        ("segfault", "crashed", "killed_by_signal", "SIGSEGV"),
        ("memory", "oom", "host_out_of_memory", ""),
        pytest.param("hang", "timeout", "time_limit", "limits.measure_s", marks=pytest.mark.slow),
    ],
)
def test_a_cell_that_dies_costs_only_itself(prepared: Path, die: str, status: str, reason: str, words: str) -> None:
    done = harness(
        prepared,
        "--config-dir",
        str(PLUGINS / "conf"),
        "backend=faulty",
        f"backend.options.die=no,{die},no",
        "measure.rounds=1",
        "measure.min_time_s=0.1",
        f"limits.measure_s={12 if die == 'hang' else 60}",
        "limits.memory_gb=2",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    before, dead, after = records(prepared)[-3:]
    assert before["outcome"]["status"] == after["outcome"]["status"] == "ok"
    assert len(before["repeats"]) == len(after["repeats"]) == 1
    assert (dead["outcome"]["status"], dead["outcome"]["stage"], dead["outcome"]["reason"]) == (
        status,
        "measure",
        reason,
    )
    assert words in f"{dead['outcome']['message']} {dead['outcome']['hint']}"
    assert dead["repeats"] == []
    assert re.search(rf"^swin98_tiny .* {status} \[\d\] ", done.stdout, flags=re.MULTILINE), done.stdout
    assert (Path(prepared) / "mlruns" / "sweeps" / dead["sweep_id"] / "table.md").read_text().count(status) >= 1


def test_a_corrupt_artifact_is_made_again(prepared: Path) -> None:
    last = records(prepared)[-1]
    artifact = last["artifacts"]["simplified"]
    blob = prepared / "mlruns" / "store" / "blobs" / f"{artifact['sha256']}.onnx"
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 0xFF
    blob.write_bytes(content)
    done = harness(prepared, "batchsize=1", "measure.rounds=1", "measure.min_time_s=0.1")
    assert done.returncode == 0, done.stdout + done.stderr
    again = records(prepared)[-1]
    assert [step["stage"] for step in again["steps"] if not step["cached"]] == ["simplify", "measure"]
    assert again["artifacts"]["simplified"] == artifact
    assert blob.read_bytes() != bytes(content)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_sweep_that_is_told_to_stop_ends_with_its_table(prepared: Path, number: signal.Signals, status: int) -> None:
    words, environment = command(
        prepared, "--config-dir", str(PLUGINS / "conf"), "backend=faulty", "backend.options.die=hang"
    )
    started = subprocess.Popen(
        words, cwd=prepared, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    for line in started.stdout:
        if "measure 1/" in line:
            break
    started.send_signal(number)
    said, told = started.communicate(timeout=120)
    assert started.returncode == status, said + told
    assert told.count("stopping: ") == 1
    assert "cancelled" in said
    (record,) = records(prepared)[-1:]
    assert record["outcome"]["status"] == "cancelled"
    assert "cancelled" in (prepared / "mlruns" / "sweeps" / record["sweep_id"] / "table.md").read_text()


def test_a_plan_says_what_would_be_done_and_does_nothing(prepared: Path) -> None:
    home = prepared / "mlruns"
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    done = harness(prepared, "batchsize=1,2", "measure.min_iterations=2,3", "plan=true")
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.findall(r"^  swin98_tiny-cpu-fp32-bs(\d)\S*  (.*)$", done.stdout, flags=re.MULTILINE)
    assert [batch for batch, _ in said] == ["1", "1", "2", "2"]
    assert said[0][1].startswith("cached: export, simplify")
    assert said[2][1] == "to make: export, simplify, parity; 3 processes measure"
    assert said[3][1] == "made for a cell above: export, simplify, parity; 3 processes measure"
    assert re.search(r"^time   about ", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^disk   about \d+ MB; \d+\.\d GB are free", done.stdout, flags=re.MULTILINE)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


@pytest.mark.slow
def test_a_second_interrupt_ends_at_once_and_a_running_sweep_is_not_resumed(prepared: Path) -> None:
    words, environment = command(
        prepared, "--config-dir", str(PLUGINS / "conf"), "backend=faulty", "backend.options.die=hang"
    )
    started = subprocess.Popen(
        words, cwd=prepared, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    said = ""
    for line in started.stdout:
        said += line
        if "measure 1/" in line:
            break
    sweep_id = re.search(r"^sweep  (\S+):", said, flags=re.MULTILINE)
    assert sweep_id is not None
    resume = [sys.executable, "-m", "harness.resume"]
    for name in ([], [sweep_id[1]]):
        second = subprocess.run(
            [*resume, *name], cwd=prepared, env=environment, capture_output=True, text=True, check=False
        )
        assert second.returncode == 1, second.stdout + second.stderr
        assert f"{sweep_id[1]}: another process is at work on it: pid {started.pid} (" in second.stderr
    folder = prepared / "mlruns" / "sweeps" / sweep_id[1]
    started.send_signal(signal.SIGINT)
    assert started.stderr is not None
    assert started.stderr.readline().startswith("stopping: ")
    began = time.monotonic()
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=120)
    assert started.returncode == 130
    assert time.monotonic() - began < GRACE_S + 20  # the child, which ignores SIGTERM, was not waited for
    assert (folder / "unfinished").exists()
    (record,) = [each for each in records(prepared) if each["sweep_id"] == sweep_id[1]]
    assert record["outcome"]["status"] == "cancelled"
    wrong = subprocess.run(
        [*resume, "2020"], cwd=prepared, env=environment, capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert "2020: no sweep of this name" in wrong.stderr


@pytest.mark.slow
def test_two_sweeps_on_one_device_never_measure_at_the_same_time(prepared: Path) -> None:
    words, environment = command(prepared, "batchsize=1", "measure.rounds=4", "measure.min_time_s=0.5")
    known = {record["sweep_id"] for record in records(prepared)}
    both = [
        subprocess.Popen(
            words, cwd=prepared, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(2)
    ]
    said = [each.communicate(timeout=300)[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    found = [record for record in records(prepared) if record["sweep_id"] not in known]
    spans = sorted(
        (datetime.fromisoformat(step["started"]), step["wall_s"], record["sweep_id"])
        for record in found
        for step in record["steps"]
        if step["stage"] == "measure"
    )
    assert len(spans) == 8
    for (begun, wall_s, _), (later, _, _) in itertools.pairwise(spans):
        assert begun + timedelta(seconds=wall_s) <= later + timedelta(milliseconds=2)  # started is in whole ms
    assert any(one[2] != other[2] for one, other in itertools.pairwise(spans[1:-1]))  # they did run side by side
    assert any("waits for cpu, which pid" in text for text in said)


@pytest.mark.slow
def test_a_failure_stops_the_sweep_where_it_should_and_is_repeated_on_request(prepared: Path) -> None:
    switch = prepared / "die"
    switch.write_text("exception")
    done = harness(
        prepared,
        "--config-dir",
        str(PLUGINS / "conf"),
        "backend=faulty",
        f"backend.options.die_if={switch}",
        "batchsize=1",
        "measure.min_iterations=2,3,4",
        "measure.rounds=2",
        "measure.min_time_s=0",
        "on_failure=stop",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    states = [(record["outcome"]["status"], record["outcome"]["reason"]) for record in records(prepared)[-3:]]
    assert states == [("failed", "exception"), ("cancelled", "stopped"), ("cancelled", "stopped")]
    switch.unlink()
    _, environment = command(prepared)
    again = [sys.executable, "-m", "harness.resume"]
    for words, status, ends in (
        (again, 1, ["failed", "ok", "ok"]),
        ([*again, records(prepared)[-1]["sweep_id"], "retry=failed"], 0, ["ok", "ok", "ok"]),
    ):
        before = [record["record_id"] for record in records(prepared)[-3:]]
        done = subprocess.run(words, cwd=prepared, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        assert [record["outcome"]["status"] for record in records(prepared)[-3:]] == ends
        assert [record["record_id"] for record in records(prepared)[-3:]] == before
    assert all(
        [step["stage"] for step in record["steps"]] == ["export", "simplify", "parity", "measure", "measure"]
        for record in records(prepared)[-3:]
    )

"""The whole job on the stand-ins, by the real command: four batch sizes, the last of which does not fit the chip."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from harness.records.io import read_record, record_folders
from tests.simulator.conftest import network

ROOT = Path(__file__).resolve().parents[2]


def command(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, "PYTHONPATH": str(ROOT), "HARNESS_HOME": str(home), "COLUMNS": "200"}
    call = [sys.executable, "-m", "harness", *words]
    return subprocess.run(call, env=known, capture_output=True, text=True, check=False, cwd=home)


@pytest.mark.slow
def test_a_sweep_whose_last_batch_does_not_fit(tmp_path: Path) -> None:
    home = tmp_path / "a home, with=odd characters"
    home.mkdir()
    network(home / "net.onnx", "batch")
    words = ("model=onnx", "model.file=net.onnx", "soc_version=Ascend310P3", "simulator=cann", "export.simplify=false")
    # The network takes 4.8 kB at batch 16 and 2.4 at 8; the chip has 4.2 kB beside what is taken already.
    sizes = ("simulator.memory_mb=930.004", "batchsize=1,4,8,16", "measure=smoke", "measure.rounds=2", "seed=3")
    done = command(home, *words, *sizes, "precision=gelu_high_performance", "-m")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "* simulated by a stand-in of the device, not measured." in done.stdout
    records = sorted((read_record(folder) for folder in record_folders(home / "records")), key=lambda each: each.cell)
    assert [record.outcome.status for record in records] == ["ok", "ok", "ok", "oom"]
    assert {record.source for record in records} == {"simulated"}
    assert records[3].outcome.reason == "device_out_of_memory"
    assert "EL0004" in (records[3].outcome.message or "")
    first = records[0]
    assert first.device["driver_version"] == "22.0.2"
    assert first.conversion is not None
    assert any(word.startswith("--op_precision_mode=") for word in first.conversion["command"])
    assert first.repeats[0].mean_ms != first.repeats[1].mean_ms
    assert set(first.repeats[0].means_ms) == {"compute", "h2d", "d2h", "end_to_end"}
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        assert {row[0] for row in database.execute("select value from tags where key = 'harness.source'")} == {
            "simulated"
        }
        held = [row[0] for row in database.execute("select value from tags where key = 'harness.converted_held'")]
    assert len(held) == len(set(held)) == 4
    files = {"/".join(path.parts[-2:]) for path in (home / "artifacts").rglob("*") if path.is_file()}
    assert {"model/net.om", "logs/atc.log", "logs/op_precision_mode.ini", "logs/measure-01.log"} <= files
    again = command(
        home,
        *words,
        *sizes[:1],
        "batchsize=4",
        "measure=smoke",
        "measure.rounds=1",
        "tracking=none",
        "precision=gelu_high_performance",
    )
    assert again.returncode == 0, again.stdout + again.stderr
    latest = max(record_folders(home / "records"), key=lambda folder: folder.stat().st_mtime)
    steps = json.loads((latest / "record.json").read_text())["steps"]
    assert {step["stage"] for step in steps if step["cached"]} >= {"adopt", "convert"}

"""The whole job on the stand-ins of an NVIDIA GPU, by the real command: engine, logs, and a batch that does not fit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.records.io import read_record, record_folders
from tests.simulator.conftest import network
from tests.simulator.test_whole_job import command


@pytest.mark.slow
def test_a_sweep_on_a_t4_whose_last_batch_does_not_fit(tmp_path: Path) -> None:
    home = tmp_path / "a home, with=odd characters"
    home.mkdir()
    network(home / "net.onnx", "batch")
    words = ("model=onnx", "model.file=net.onnx", "soc_version=T4", "simulator=nvidia", "export.simplify=false")
    # In float16 the network takes about 2.6 kB at batch 16 and half of it at 8, of 1.6 kB beside what is taken already.
    limits = ("simulator.memory_mb=105.0016", "batchsize=1,4,8,16", "measure=smoke", "measure.rounds=2", "seed=3")
    done = command(home, *words, *limits, "-m")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "* simulated by a stand-in of the device, not measured." in done.stdout
    records = sorted((read_record(folder) for folder in record_folders(home / "records")), key=lambda each: each.cell)
    assert [record.outcome.status for record in records] == ["ok", "ok", "ok", "oom"]
    assert {record.source for record in records} == {"simulated"}
    assert records[3].outcome.reason == "device_out_of_memory"
    assert "out of memory" in (records[3].outcome.message or "")
    first = records[0]
    assert first.device["product"] == "Tesla T4"
    assert first.conversion is not None
    assert "--fp16" in first.conversion["command"]
    assert first.fingerprint["tools"] == {
        "tensorrt": "10.2.0",
        "transfers": "on",
        "cuda_graph": "off",
        "spin_wait": "off",
        "build": "--fp16",
    }
    assert first.repeats[0].mean_ms != first.repeats[1].mean_ms
    assert set(first.repeats[0].means_ms) == {"compute", "h2d", "d2h", "end_to_end", "enqueue"}
    for record in records[:3]:  # samples a second, where trtexec itself prints batches a second
        rate = record.settings["batchsize"] * record.repeats[0].conditions["printed_queries_per_s"]
        assert 1000 * record.settings["batchsize"] / record.repeats[0].mean_ms == pytest.approx(rate, rel=0.01)
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        held = [row[0] for row in database.execute("select value from tags where key = 'harness.converted_held'")]
        known = database.execute("select count(*) from tags where key = 'harness.source' and value = 'simulated'")
        assert known.fetchone()[0] == 4
    assert len(held) == len(set(held)) == 4
    files = {"/".join(path.parts[-2:]) for path in (home / "artifacts").rglob("*") if path.is_file()}
    assert {"model/net.engine", "logs/trtexec.log", "logs/convert.log", "logs/measure-01.log"} <= files
    again = command(home, *words, *limits[:1], "batchsize=8", "measure=smoke", "measure.rounds=1", "seed=3")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "convert  in the store already" in again.stdout or "convert" not in _started(again.stdout)


def _started(shown: str) -> str:
    return "\n".join(line for line in shown.splitlines() if line.rstrip().endswith("started"))

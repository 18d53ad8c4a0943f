"""``harness.rerun``: a record is measured again with its own settings, and what cannot be is refused in one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from harness.commands import bundle
from harness.commands.rerun import main
from harness.config.compose import compose_settings
from harness.config.schema import Settings
from harness.records.io import iter_records, write_record
from harness.records.schema import Outcome, Record
from harness.testing.network import tiny_network
from tests.report.folders import keep, measured

ROOT = Path(__file__).resolve().parents[2]
SWEEP = "20260101-000000-a"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "mlruns"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mlruns"


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line with which a rerun is refused before anything was started or written."""
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line.removeprefix("harness.rerun: ")


def a_record(home: Path, *overrides: str, **changes: Any) -> Path:
    """A record with the settings of a real cell and synthetic results; returns its folder."""
    settings = compose_settings("model=swin98_tiny", "measure=smoke", "soc_version=cpu", *overrides)
    content = TypeAdapter(Settings).dump_python(settings, mode="json")
    return keep(measured(1, settings=content, **changes), home)


def newest(home: Path) -> Record:
    found = [record for _, record in iter_records(home / "records") if isinstance(record, Record)]
    return max(found, key=lambda record: record.started)


def test_what_is_no_record_is_refused(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = a_record(home)
    keep(measured(2), home)
    assert "give one record (0 given)" in refusal(capsys)
    assert "give one record (2 given)" in refusal(capsys, "a", "b")
    assert "no record of this name" in refusal(capsys, "nothing")
    assert f"holds 2 records; give one of them ({SWEEP}/" in refusal(capsys, SWEEP)
    assert "mlflow.db: no such file" in refusal(capsys, "0" * 32)
    assert "batchsize: no such key" in refusal(capsys, SWEEP, "batchsize=4")
    (folder / "record.json").write_text('{"record_id": 3}')
    assert "damaged record at record_id" in refusal(capsys, str(folder / "record.json"))
    assert not (home / "sweeps").exists()


def test_what_cannot_be_measured_again_here_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{SWEEP}/swin98-cpu-fp32-bs1"
    keep(measured(1), home)
    line = refusal(capsys, name)
    assert line.startswith(f"{name}: its settings cannot be restored: ")
    assert "schema version" in line
    a_record(home, "tracking.uri=postgresql://me:hunter2@db/mlflow")
    assert "tracking.uri (postgresql://me:***@db/mlflow); give tracking.uri=VALUE again" in refusal(capsys, name)
    a_record(home, source="simulated")
    assert "was simulated, and here it would be measured (this process has no stand-ins)" in refusal(capsys, name)
    a_record(home, "soc_version=T4", "backend=onnxruntime")
    assert "was measured on T4, and there is none here (this machine has " in refusal(capsys, name)
    a_record(home, outcome=Outcome("skipped", message="no T4 here"))
    assert "was skipped (no T4 here), so there is no result to repeat" in refusal(capsys, name)
    a_record(home, outcome=Outcome("cancelled"))
    assert f"python -m harness.resume {SWEEP} goes on with it" in refusal(capsys, name)
    a_record(home)
    assert "measure.rounds=9: a rerun measures what the record measured" in refusal(capsys, name, "measure.rounds=9")
    assert not (home / "sweeps").exists()


def test_a_cell_is_measured_again_and_judged(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_network(tmp_path)
    folder = a_record(
        home,
        "model=onnx",
        f"model.file={tmp_path / 'tiny.onnx'}",
        "batchsize=2",
        "export.simplify=false",
        "parity.enabled=false",
        "measure.rounds=1",
        "measure.min_time_s=0.1",
        "measure.idle_policy=off",
        "tracking=none",
    )
    known = json.loads((folder / "record.json").read_text())
    known["environment"] = {"hostname": "bench-01", "packages": {"onnxruntime": "1.0.0"}}
    (folder / "record.json").write_text(json.dumps(known))
    before = (folder / "record.json").read_bytes()

    assert main([str(folder), "plan=true"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^  hostname +bench-01 +->  \S+$", said, re.MULTILINE)
    assert re.search(r"^  onnxruntime +1\.0\.0 +->  \d", said, re.MULTILINE)
    assert "to make: adopt; 1 process measure" in said
    assert not (home / "sweeps").exists()

    assert main([str(folder)]) == 1
    said = capsys.readouterr().out
    assert "differs: artifacts that were made anew" in said
    assert re.search(r"^undecided: throughput \S+ %, but one process has no interval", said, re.MULTILINE)
    first = newest(home)
    assert first.outcome.status == "ok"
    assert first.rerun_of is not None
    assert first.rerun_of.words == f"{SWEEP}/{known['name']}"
    assert first.rerun_of.record_id == known["record_id"]
    assert first.name == known["name"]
    assert (folder / "record.json").read_bytes() == before

    assert bundle.main([first.sweep_id, "output=first.zip"]) == 0
    capsys.readouterr()
    assert main([f"first.zip:{first.name}", "tolerance=900"]) == 0
    said = capsys.readouterr().out
    assert not re.search(r"^  (?!harness|other packages)\S.*  ->  ", said, re.MULTILINE)  # a checkout may be changed
    assert "same   artifacts: exported" in said
    assert re.search(r"^reproduced: throughput \S+ %, within 900 % of noise and tolerance$", said, re.MULTILINE)
    assert f"a rerun of {first.sweep_id}/{first.name}" in said
    second = newest(home)
    assert second.rerun_of is not None
    assert second.rerun_of.record_id == first.record_id

    write_record(replace(second, outcome=Outcome("oom", "measure")), home / "records" / "older" / "cell")
    assert main(["older/cell"]) == 1
    assert "not reproduced: then oom, now ok" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_a_run_of_mlflow_is_measured_again(tmp_path: Path) -> None:
    environment = {**os.environ, "HARNESS_HOME": str(tmp_path / "mlruns"), "PYTHONPATH": str(ROOT)}

    def run(module: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip

    done = run(
        "harness", "model=swin98_tiny", "batchsize=1", "measure=smoke", "measure.rounds=2", "measure.min_time_s=0.2"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    from harness.tracking.fetch import fetch_records

    uri = f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    (published,) = fetch_records(uri)
    assert published.run is not None
    done = run("harness.rerun", published.run.run_id, "tolerance=900")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "same   artifacts: exported, simplified" in done.stdout
    from mlflow import MlflowClient

    runs = MlflowClient(tracking_uri=uri).search_runs([published.run.experiment_id])
    (tag,) = [each.data.tags["harness.rerun_of"] for each in runs if "harness.rerun_of" in each.data.tags]
    assert tag == f"{newest(tmp_path / 'mlruns').rerun_of.words}"  # type: ignore[union-attr]
    done = run("harness.report", "references=false")
    assert "was measured 2 times" in done.stdout

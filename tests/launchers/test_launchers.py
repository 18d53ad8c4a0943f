"""Foreign launchers, for real: joblib, submitit on this host and a local Ray run the cells of one frozen sweep."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.sweep.locks import holder
from tests.tracking.conftest import Look

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
]
ROOT = Path(__file__).resolve().parents[2]
LAUNCHERS = {
    "joblib": "hydra_joblib_launcher",
    "submitit_local": "hydra_submitit_launcher",
    "ray": "hydra_ray_launcher",
}


def sweep(tmp_path: Path, launcher: str) -> subprocess.Popen[str]:
    """Two small cells by a launcher."""
    if importlib.util.find_spec(f"hydra_plugins.{LAUNCHERS[launcher]}") is None:
        pytest.skip(f"needs {LAUNCHERS[launcher]} (pip install 'npu-harness[joblib,submitit,ray]')")
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch (pip install 'npu-harness[export]')")
    words = ["model=swin98_tiny", "batchsize=1,2", "measure=smoke", "measure.rounds=2", "parity.enabled=false"]
    environment = {
        **os.environ,
        "HARNESS_HOME": str(tmp_path / "home"),
        "HARNESS_LOCKS": str(tmp_path / "locks"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "harness", *words, "tracking.experiment=team", f"hydra/launcher={launcher}"]
    return subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def check(home: Path, printed: str) -> None:
    """Both cells are measured and published, once; the table came once."""
    records = [json.loads(path.read_bytes()) for path in sorted(home.glob("records/*/*/record.json"))]
    assert [record["outcome"]["status"] for record in records] == ["ok", "ok"], printed
    assert [record["settings"]["batchsize"] for record in records] == [1, 2]
    assert [len(record["repeats"]) for record in records] == [2, 2]
    assert not any(record["interleaved"] for record in records)
    assert len(list(home.glob("sweeps/*/table.md"))) == 1
    assert printed.count("MLflow: 2 published") == 1
    looking = Look(home)
    assert len(looking.runs("team")) == 2
    looking.close()


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_launcher_runs_every_cell_and_the_sweep_is_finished_once(tmp_path: Path, launcher: str) -> None:
    process = sweep(tmp_path, launcher)
    printed, _ = process.communicate(timeout=900)
    assert process.returncode == 0, printed
    check(tmp_path / "home", printed)


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    process = sweep(tmp_path, "joblib")
    worker = None
    while worker is None:
        assert process.poll() is None
        worker = next(filter(None, map(holder, (tmp_path / "home").glob("sweeps/*/cell-1.lock"))), None)
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    printed, _ = process.communicate(timeout=900)
    assert process.returncode == 0, printed
    assert "a worker was lost" in printed
    check(tmp_path / "home", printed)

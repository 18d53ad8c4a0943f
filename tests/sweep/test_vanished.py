"""A store that vanishes under a sweep: what is needed is made again, and what was measured stays."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sweep.test_run import command, records


@pytest.mark.slow
@pytest.mark.parametrize("at", ["simplify  started", "measure 1/2  started"])
def test_a_store_that_is_removed_under_a_sweep(tmp_path: Path, at: str) -> None:
    words, environment = command(tmp_path, "batchsize=1", "measure.rounds=2", "measure.min_time_s=0.1")
    started = subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    said = ""
    for line in started.stdout:
        said += line
        if at in line:
            shutil.rmtree(tmp_path / "mlruns" / "store", ignore_errors=True)
            break
    said += started.communicate(timeout=120)[0]
    (record,) = records(tmp_path)
    assert started.returncode == 0, said
    assert "damaged in the store or gone, made again: " in said
    assert record["outcome"]["status"] == "ok"
    assert len(record["repeats"]) == 2

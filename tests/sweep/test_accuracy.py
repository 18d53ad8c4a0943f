"""Accuracy through the real command: a killed evaluation goes on, the table compares with the own reference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stages.segmenter import segmenter
from tests.sweep.test_run import PLUGINS, harness, records

WORDS = (
    "model=onnx",
    "model.task=segmentation",
    "dataset=shapes",
    "dataset.limit=8",
    "evaluate=true",
    "evaluate.save_every=1",
    "evaluate.examples=1",
    "evaluate.worst=1",
    "--config-dir",
    str(PLUGINS / "conf"),
    "backend=rounded",
    "measure.rounds=1",
    "measure.min_time_s=0.1",
    "parity.enabled=false",
    "export.simplify=false",
)


@pytest.mark.slow
def test_a_killed_evaluation_goes_on_and_ends_with_the_same_numbers(tmp_path: Path) -> None:
    words = (*WORDS, f"model.file={segmenter(tmp_path / 'net.onnx')}", "batchsize=3")
    trap = tmp_path / "trap"
    trap.touch()
    deadly = (*words, f"backend.options.die_file={trap}", "backend.options.die_at=4")
    home = tmp_path / "killed"
    killed = harness(home, *deadly)
    assert killed.returncode == 1, killed.stdout + killed.stderr
    (first,) = records(home)
    assert first["outcome"]["stage"] == "evaluate"
    assert first["summary"]["throughput"]["mean"] > 0, "what was measured is kept"
    again = harness(home, *deadly)
    assert again.returncode == 0, again.stdout + again.stderr
    resumed = records(home)[-1]
    whole_home = tmp_path / "whole"
    whole = harness(whole_home, *words)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    (other,) = records(whole_home)
    assert resumed["accuracy"]["device"]["metrics"] == other["accuracy"]["device"]["metrics"]
    items = [
        (place / "mlruns/records" / record["sweep_id"] / record["name"] / "tables/items.csv").read_bytes()
        for place, record in ((home, resumed), (whole_home, other))
    ]
    assert items[0] == items[1]
    log = home / "mlruns/records" / resumed["sweep_id"] / resumed["name"] / "logs/evaluate.log"
    assert not log.read_text().startswith("1/8"), "it did not begin anew"
    assert_told(whole_home, other, whole.stdout)


def assert_told(home: Path, record: dict, shown: str) -> None:
    """The table and the record's files say what the record holds."""
    accuracy = record["accuracy"]
    device, own = accuracy["device"]["metrics"]["mIoU"], accuracy["reference"]["metrics"]["mIoU"]
    row = next(line for line in shown.splitlines() if "mIoU %" in line)
    assert f"{100 * device:.2f} (slide)" in row
    assert f"{100 * own:.2f} (slide)" in row
    assert row.rstrip().endswith(f"{100 * (device - own):+.2f}")
    table = (home / "mlruns" / "sweeps" / record["sweep_id"] / "table.md").read_text()
    assert "own fp32" in table
    folder = home / "mlruns" / "records" / record["sweep_id"] / record["name"]
    rows = json.loads((folder / "tables/per_class.json").read_text())
    assert rows["columns"] == ["class", "IoU", "Acc"]
    assert len(rows["data"]) == 8
    assert len(list((folder / "plots").glob("*.png"))) == 2
    assert [step["stage"] for step in record["steps"]] == ["adopt", "measure", "evaluate", "reference"]

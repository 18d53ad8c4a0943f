"""A user's file through the real command: measured, handed over, carried, and described by a YAML of the user's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stages import networks

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "plugins"

pytestmark = pytest.mark.slow


def harness(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m harness`` in a folder, as briefly as it measures."""
    path = os.pathsep.join([str(ROOT), str(PLUGINS)])
    environment = {**os.environ, "HARNESS_HOME": str(folder / "mlruns"), "PYTHONPATH": path, "COLUMNS": "200"}
    brief = ["measure=smoke", "measure.rounds=1", "measure.min_time_s=0.05", "measure.warmup_s=0"]
    command = [sys.executable, "-m", "harness", *brief, *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def records(folder: Path) -> list[dict]:
    """The records of the newest sweep, in the order of its cells."""
    newest = max((folder / "mlruns" / "records").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    found = [json.loads(path.read_text()) for path in newest.glob("*/record.json")]
    return sorted(found, key=lambda record: record["cell"])


def test_two_batch_sizes_of_a_file_are_rows_and_runs(tmp_path: Path) -> None:
    networks.language(tmp_path / "bert tiny.onnx")
    words = ["model=onnx", "model.file=bert tiny.onnx", "model.dims.sequence=16", "batchsize=1,4", "-m"]
    done = harness(tmp_path, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    one, four = records(tmp_path)
    assert [one["name"], four["name"]] == ["bert-tiny-cpu-fp32-bs1", "bert-tiny-cpu-fp32-bs4"]
    assert [step["stage"] for step in four["steps"]] == ["adopt", "simplify", "parity", "measure"]
    assert four["fingerprint"]["inputs"] == {"ids": [[4, 16], "int64"], "mask": [[4, 16], "int64"]}
    assert four["settings"]["model"]["file"] == str(tmp_path / "bert tiny.onnx")
    assert (four["weights"]["kind"], four["weights"]["name"]) == ("file", "bert tiny.onnx")
    assert any(note.startswith("input mask") for note in four["notes"])
    assert four["graph"]["opset"] == 17
    assert done.stdout.count("input ids: int64 from 0 to 999") == 1, "what was assumed is said once"
    assert "MLflow: 2 published" in done.stdout


def test_a_refusal_is_one_line_and_nothing_is_made(tmp_path: Path) -> None:
    networks.dynamic_height(tmp_path / "net.onnx")
    done = harness(tmp_path, "model=onnx", "model.file=net.onnx")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("harness: model.file=net.onnx: input image leaves axis 2 (height), axis 3 (width) open")
    assert not (tmp_path / "mlruns").exists()
    again = re.search(r"model\.dims\S+ model\.dims\S+", line)
    assert again is not None
    words = again[0].replace("SIZE", "8").split()
    assert harness(tmp_path, "model=onnx", "model.file=net.onnx", "tracking=none", *words).returncode == 0


def test_an_exported_network_is_carried_and_measured_elsewhere(tmp_path: Path) -> None:
    done = harness(tmp_path, "model=swin98_tiny", "batchsize=1,2", "export_only=true", "-m")
    assert done.returncode == 0, done.stdout + done.stderr
    made = [Path(path) for path in re.findall(r"^made {3}(\S+)", done.stdout, re.MULTILINE)]
    assert [path.name for path in made] == ["swin98_tiny-cpu-fp32-bs1.onnx", "swin98_tiny-cpu-fp32-bs2.onnx"]
    for record in records(tmp_path):
        assert record["outcome"]["status"] == "ok"
        assert (record["repeats"], record["summary"]) == ([], None)
        assert [step["stage"] for step in record["steps"]] == ["export", "simplify", "parity"]
    assert "2 published" in done.stdout
    elsewhere = tmp_path / "npu host"
    elsewhere.mkdir()
    for path in made:
        (elsewhere / path.name).write_bytes(path.read_bytes())
    said = re.search(r"python -m harness (model=onnx .*)", done.stdout)
    assert said is not None
    words = [word.strip("'") for word in said[1].split()]
    measured = harness(elsewhere, *words, "tracking=none")
    assert measured.returncode == 0, measured.stdout + measured.stderr
    for record, theirs in zip(records(elsewhere), records(tmp_path), strict=True):
        assert record["name"] == theirs["name"]
        assert record["weights"] == theirs["weights"]
        assert record["weights"]["dataset"] == "shapes", "the file says what its weights were trained on"
        assert record["summary"]["throughput"]["mean"] > 0


def test_where_nothing_is_to_be_converted_it_says_so(tmp_path: Path) -> None:
    networks.dynamic_batch(tmp_path / "net.onnx")
    words = ["model=onnx", "model.file=net.onnx", "tracking=none", "convert_only=true"]
    done = harness(tmp_path, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "onnxruntime reads ONNX as it is: nothing was converted" in done.stdout
    standin = ["--config-dir", str(PLUGINS / "conf"), "backend=standin"]
    done = harness(tmp_path, *words, *standin)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = re.findall(r"^made {3}(\S+\.om)", done.stdout, re.MULTILINE)
    assert "model=om model.file=net-cpu-fp32-bs1.om batchsize=1" in done.stdout
    brought = harness(tmp_path, "model=om", f"model.file={made}", "tracking=none", *standin)
    assert brought.returncode == 0, brought.stdout + brought.stderr
    (record,) = records(tmp_path)
    assert record["fingerprint"]["inputs"] == {"x": [[1, 3, 16, 16], "float32"]}
    assert [step["stage"] for step in record["steps"]] == ["adopt", "measure"]


OWN = {
    "own_net": """\
name: own_net
kind: own_network:FAMILY
task: other
inputs:
  - name: image
    shape: ["${batchsize}", 3, 16, 16]
outputs: [features]
options: {channels: 6}
""",
    "own_file": """\
kind: onnx
task: other
file: FOLDER/detector.onnx
inputs:
  - name: image
    shape: ["${batchsize}", 3, 32, 24]
""",
}


def test_models_of_a_users_own_yaml_stand_beside_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "conf" / "model").mkdir(parents=True)
    for name, text in OWN.items():
        (tmp_path / "conf" / "model" / f"{name}.yaml").write_text(text.replace("FOLDER", str(tmp_path)))
    networks.dynamic_height(tmp_path / "detector.onnx")
    words = ["model=own_net,own_file", "batchsize=1,2", "tracking=none", "--config-dir", "conf", "-m"]
    done = harness(tmp_path, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {record["name"]: record for record in records(tmp_path)}
    assert set(found) == {f"{name}-cpu-fp32-bs{size}" for name in ("own_net", "detector") for size in (1, 2)}
    for record in found.values():
        assert record["summary"]["throughput"]["mean"] > 0
    net, file = found["own_net-cpu-fp32-bs2"], found["detector-cpu-fp32-bs2"]
    assert [step["stage"] for step in net["steps"]] == ["export", "simplify", "parity", "measure"]
    assert net["fingerprint"]["inputs"] == {"image": [[2, 3, 16, 16], "float32"]}
    assert file["fingerprint"]["inputs"] == {"image": [[2, 3, 32, 24], "float32"]}
    helped = harness(tmp_path, "--config-dir", "conf", "model=own_net", "--cfg", "job")
    assert "channels: 6" in helped.stdout

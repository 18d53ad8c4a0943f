"""The stand-in of trtexec is as strict as the real one: its options by version, its words, its exit statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.config.simulator import SimulatorSettings
from harness.parsing.trtexec import parse
from harness.parsing.trtexec_bindings import parse_bindings
from harness.parsing.trtexec_times import parse_times
from harness.simulator.environment import environment
from harness.simulator.trtexec import main
from tests.simulator.conftest import network


@pytest.fixture
def trtexec(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Calls the stand-in in this process; keywords are settings of the simulator. Gives status and text."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, **settings: Any) -> tuple[int, str]:
        known = environment(SimulatorSettings(**{"name": "nvidia", "kind": "nvidia", "chip": "T4", **settings}))
        monkeypatch.setenv("HARNESS_SIMULATOR", known["HARNESS_SIMULATOR"])
        status = main(words)
        return status, capsys.readouterr().out

    return call


@pytest.mark.parametrize(
    ("version", "flag"),
    [
        ("8.4.3", "--skipInference"),
        ("8.4.3", "--includeDataTransfers"),
        ("10.2.0", "--workspace=4096"),
        ("10.2.0", "--buildOnly"),
        ("10.2.0", "--noCudaGraph"),
        ("11.0.0", "--fp16"),
        ("11.0.0", "--precisionConstraints=obey"),
        ("10.2.0", "onnx=net.onnx"),
    ],
)
def test_an_option_of_another_version_is_unknown(trtexec: Any, version: str, flag: str) -> None:
    status, text = trtexec("--onnx=net.onnx", flag, tensorrt=version)
    assert status == 1
    name, _, value = flag.partition("=")
    assert f"[E] Unknown option: {name} {value}" in text
    log = parse(text)
    assert (log.status, log.version) == ("failed", version)
    assert log.failure is not None
    assert log.failure.reason == "usage_error"


@pytest.mark.parametrize("version", ["8.4.3", "10.2.0", "11.0.0"])
def test_a_build_and_a_run_are_what_the_parsers_know(trtexec: Any, tmp_path: Path, version: str) -> None:
    network(tmp_path / "net.onnx", 4)
    only = "--buildOnly" if version == "8.4.3" else "--skipInference"
    status, text = trtexec("--onnx=net.onnx", "--saveEngine=net.engine", only, tensorrt=version)
    assert (status, parse(text).status) == (0, "passed")
    words = ("--loadEngine=net.engine", "--iterations=30", "--duration=0", "--warmUp=0", "--exportTimes=t.json")
    status, text = trtexec(*words, tensorrt=version)
    log, times = parse(text), parse_times((tmp_path / "t.json").read_text())
    assert status == 0
    assert (log.version, log.device, log.query_count, len(times.compute_ms)) == (version, "Tesla T4", 30, 30)
    assert not [finding for finding in log.findings if finding.level == "problem"]
    compute = log.timing("gpu_compute")
    assert compute is not None
    assert compute.mean_ms == pytest.approx(sum(times.compute_ms) / 30, rel=1e-5)
    assert (log.timing("h2d") is None) == (version == "11.0.0")  # which copies nothing by default
    assert any(times.h2d_ms) == (version != "11.0.0")
    assert (log.timing("end_to_end") is not None) == (version == "8.4.3")
    assert [(each.name, each.is_input, each.shape) for each in parse_bindings(text)] == [
        ("x", True, (4, 4)),
        ("onnx::y", True, (4, 4)),
        ("out", False, (4, 3)),
        ("sum", False, (4, 4)),
    ]
    again = trtexec(*words, tensorrt=version)[1]
    assert parse(again).timing("gpu_compute") == compute  # equal settings, equal times


def test_outputs_in_json_and_wrong_inputs(trtexec: Any, tmp_path: Path) -> None:
    network(tmp_path / "net.onnx", 1)
    status, _ = trtexec("--onnx=net.onnx", "--saveEngine=net.engine", "--exportOutput=out.json")
    assert status == 0
    written = json.loads((tmp_path / "out.json").read_text())
    assert [(each["name"], each["dimensions"], len(each["values"])) for each in written] == [
        ("out", "1x3", 3),
        ("sum", "1x4", 4),
    ]
    (tmp_path / "short.bin").write_bytes(bytes(8))
    status, text = trtexec("--loadEngine=net.engine", "--loadInputs=x:short.bin")
    assert (status, "Unexpected file size for input file: short.bin. Expected: 16 bytes but got: 8 bytes" in text) == (
        1,
        True,
    )
    status, text = trtexec("--loadEngine=net.engine", "--loadInputs='no::such':short.bin")
    assert (status, 'Cannot find input tensor with name "no::such"' in text) == (1, True)
    assert trtexec("--loadEngine=net.engine", "--device=3")[0] == 1
    assert trtexec("--help")[0] == 0

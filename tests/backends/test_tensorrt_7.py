"""TensorRT 7, of which there is no stand-in: no version, no names of inputs, warm-up among the times, JSON outputs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from harness.backends.registry import backend
from harness.backends.tensorrt import TensorRTBackend
from harness.backends.tensorrt_session import TensorRTSession
from harness.backends.trtexec_tool import tool
from harness.config.model import InputSettings
from harness.config.schema import BackendSettings, MeasureSettings, PrecisionSettings

SEVEN = '''#!{python}
import json, sys
flags = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
print("&&&& RUNNING TensorRT.trtexec # trtexec " + " ".join(sys.argv[1:]))
KNOWN = """onnx explicitBatch workspace fp16 noTF32 saveEngine loadEngine buildOnly loadInputs iterations warmUp
duration avgRuns streams exportTimes exportOutput exposeDMA useSpinWait useCudaGraph device""".split()
if "help" in flags:
    print("\\n".join("  --%s   what it does" % name for name in KNOWN))
    sys.exit(0)
for name in set(flags) - set(KNOWN):
    print("[E] Unknown option: --" + name)
    print("&&&& FAILED TensorRT.trtexec # trtexec")
    sys.exit(1)
if "saveEngine" in flags:
    open(flags["saveEngine"], "w").write("engine")
if "loadEngine" in flags:
    count = int(flags["iterations"])
    times = [2.0] * 3 + [1.0] * count
    for label in ("Host Latency", "GPU Compute"):
        end = " (end to end 1 ms)" if label == "Host Latency" else ""
        print("[I] " + label)
        for key in ("min", "max", "mean", "median"):
            print("[I] %s: 1 ms%s" % (key, end))
        print("[I] percentile: 1 ms at 99%" + end)
    print("[I] Timing trace has %d queries over 1 s" % count)
    keys = ("startComputeMs", "inMs", "computeMs", "outMs", "latencyMs")
    if "exportTimes" in flags:
        rows = [dict(zip(keys, (index, 0.25, each, 0.5, each + 0.75))) for index, each in enumerate(times)]
        json.dump(rows, open(flags["exportTimes"], "w"))
    if "exportOutput" in flags:
        values = [2 * value for value in memoryview(open(flags["loadInputs"].split(":")[1], "rb").read()).cast("f")]
        json.dump([dict(name="y", dimensions="1x3", values=values)], open(flags["exportOutput"], "w"))
print("&&&& PASSED TensorRT.trtexec # trtexec")
'''
PROFILE = MeasureSettings(
    name="p", rounds=1, warmup_iterations=1, warmup_s=0, min_iterations=9, min_time_s=0, budget_s=60, audit=True
)


@pytest.fixture
def seven(tmp_path: Path) -> str:
    path = tmp_path / "bin" / "trtexec"
    path.parent.mkdir()
    path.write_text(SEVEN.replace("{python}", sys.executable))
    path.chmod(0o755)
    return str(path)


def test_an_engine_is_built_and_timed(seven: str, tmp_path: Path) -> None:
    settings = BackendSettings("tensorrt", "tensorrt", "fp16", options={"trtexec": seven})
    runtime = backend(settings)
    assert isinstance(runtime, TensorRTBackend)
    (tmp_path / "net.onnx").write_bytes(b"onnx")
    engine = runtime.convert(tmp_path / "net.onnx", tmp_path / "model", PrecisionSettings("fp16", "float16"))
    report = runtime.conversion_report(tmp_path / "model")[1]
    assert {"--explicitBatch", "--fp16", "--workspace=4096", "--buildOnly"} <= set(report["command"])
    samples = runtime.measure(engine, {"x": np.ones((1, 3), np.float32)}, PROFILE)
    assert {name: set(times) for name, times in samples.times_ms.items()} == {
        "compute": {1.0},
        "h2d": {0.25},
        "d2h": {0.5},
        "end_to_end": {1.75},
    }
    assert (samples.times_ms["compute"].size, samples.warmup_ms.tolist()) == (9, [2.0, 2.0, 2.0])
    assert samples.conditions["findings"] == []
    assert "tensorrt" not in runtime.tools()  # nothing says which version it is


def test_a_printed_mean_that_the_raw_times_do_not_give_is_pointed_out(seven: str, tmp_path: Path) -> None:
    tool_file = Path(seven)
    tool_file.write_text(tool_file.read_text().replace("[1.0] * count", "[1.1] * count"))
    engine = tmp_path / "model.engine"
    engine.write_bytes(b"engine")
    runtime = backend(BackendSettings("tensorrt", "tensorrt", "fp16", options={"trtexec": seven}))
    samples = runtime.measure(engine, {"x": np.ones((1, 3), np.float32)}, PROFILE)
    (found,) = samples.conditions["findings"]
    assert found["code"] == "mean_mismatch"
    assert "printed a mean of 1 ms, its raw times have 1.1 ms" in found["message"]


def test_outputs_are_read_from_json(seven: str, tmp_path: Path) -> None:
    engine = tmp_path / "model.engine"
    engine.write_bytes(b"engine")
    found = tool(seven, {})
    with TensorRTSession(engine, found, {}, ["--device=0"], (InputSettings("x", (1, 3)),)) as session:
        outputs = session.run({"x": np.asarray([[1, 2, 3]], np.float32)})
    np.testing.assert_array_equal(outputs[0], [[2, 4, 6]])

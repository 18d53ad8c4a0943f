"""The stand-in of aclruntime answers the calls that ais_bench 0.0.2 makes, in both dialects (ASCEND.md, section c)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.config.simulator import SimulatorSettings
from harness.simulator.environment import MODULES, environment

FRONT_END = r"""
import json, sys
import numpy as np
import aclruntime
from importlib.metadata import version

options = aclruntime.session_options()
options.log_level = 2
options.loop = 1
session = aclruntime.InferenceSession(sys.argv[1], 0, options)
names = [desc.name for desc in session.get_outputs()]
descs = session.get_inputs()
session.set_staticbatch()
x = np.arange(16, dtype=np.float32).reshape(4, 4)
y = np.ones((4, 4), dtype=np.float32)
feeds = [aclruntime.BaseTensor(a.__array_interface__["data"][0], a.nbytes) for a in (x, y)]
for output in session.run(names, feeds):                       # warm-up
    output.to_host()
session.reset_sumaryinfo()
aclruntime.MemorySummary().reset()
session.options().loop = 5
outputs = session.run(names, feeds)
for output in outputs:
    output.to_host()
arrays = [np.array(output) for output in outputs]
raw = aclruntime.Tensor(np.frombuffer(x.tobytes(), dtype=np.int8))  # a tensor of bytes, as files are read
raw.to_device(0)
other = aclruntime.Tensor(y)
other.to_device(0)
session.options().loop = 1
again = session.run(names, [raw, other])[0]
again.to_host()
files = []
for number, array in enumerate((x, y)):
    array.tofile(f"{sys.argv[2]}/f{number}.bin")
    files.append(session.create_tensor_from_fileslist(descs[number], [f"{sys.argv[2]}/f{number}.bin"]))
from_files = session.run(names, files)[1]
from_files.to_host()
times = session.sumary().exec_time_list
found = {
    "version": version("aclruntime"),
    "inputs": [[d.name, d.shape, d.size, d.realsize, str(d.datatype)] for d in descs],
    "out": arrays[0].tolist(), "shape": list(arrays[0].shape), "dtype": str(arrays[0].dtype),
    "again": np.array(again).tolist(), "sum": np.array(from_files).tolist(),
    "times": json.loads(json.dumps(times)),
    "mean": float(np.mean(times)), "median": float(np.median(times)),
    "pairs": [end - start for start, end in times],
    "h2d": len(aclruntime.MemorySummary().H2D_time_list), "d2h": len(aclruntime.MemorySummary().D2H_time_list),
    "text": "{}".format(session),
}
session.finalize()
if hasattr(aclruntime.InferenceSession, "finalize"):
    aclruntime.InferenceSession.finalize()
print("FOUND" + json.dumps(found))
"""


def run(script: str, *words: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    known = environment(SimulatorSettings(name="cann", kind="cann"))
    known["PYTHONPATH"] = str(MODULES[1])  # aclruntime alone, as for the genuine front end
    return subprocess.run(
        [python, "-W", "error", "-c", script, *words], env=known, capture_output=True, text=True, check=False
    )


def test_the_calls_of_the_genuine_front_end(converted: Path, tmp_path: Path) -> None:
    done = run(FRONT_END, str(converted), str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.partition("FOUND")[2].splitlines()[0])
    assert found["version"] == "0.0.2"
    assert found["inputs"][1] == ["onnx::y", [4, 4], 64, 64, "dtype.float32"]
    assert found["shape"] == [4, 3]
    assert found["dtype"] == "float32"
    assert found["out"] == found["again"]
    assert found["sum"][0] == [1, 2, 3, 4]
    assert len(found["times"]) == 7
    assert found["pairs"] == pytest.approx(found["times"])
    assert min(found["times"]) > 0
    assert (found["h2d"], found["d2h"]) == (6, 4)
    assert "onnx::y" in found["text"]
    for line in (
        "acl init success",
        "open device 0 success",
        f"load model {converted} success",
        "unload model success",
    ):
        assert f"[INFO] {line}" in done.stdout


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = np.zeros(3, np.float32)", "Check i:0 name:x in size:12 needsize:64 not match"),
        ("session.set_dynamic_batchsize(2)", "is not in the profiles"),
        ("session.set_dynamic_shape('x:2,4')", "not dynamic shape model"),
        ("aclruntime.InferenceSession(sys.argv[1], 7, aclruntime.session_options())", "acl open device 7 failed"),
        (
            "aclruntime.InferenceSession(__import__('os').devnull, 0, aclruntime.session_options())",
            "load model from file failed",
        ),
    ],
)
def test_what_the_library_refuses(converted: Path, code: str, words: str) -> None:
    script = (
        "import sys, numpy as np, aclruntime\n"
        "session = aclruntime.InferenceSession(sys.argv[1], 0, aclruntime.session_options())\n"
        f"x = np.zeros((4, 4), np.float32)\n{code}\n"
        "feed = aclruntime.BaseTensor(x.__array_interface__['data'][0], x.nbytes)\n"
        "session.run([d.name for d in session.get_outputs()], [feed, feed])\n"
    )
    done = run(script, str(converted))
    assert done.returncode == 1
    assert words in done.stdout
    assert "RuntimeError: [" in done.stderr

"""A network converted by the stand-in of ATC, and the environment in which the stand-ins are found."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.config.simulator import SimulatorSettings
from harness.simulator.environment import environment

Tool = Callable[..., subprocess.CompletedProcess[str]]


def network(path: Path, batch: int | str, *, kind: str = "Gelu") -> Path:
    """``x`` (batch, 4) and ``onnx::y`` (batch, 4) to ``sum`` (batch, 4) and ``out`` (batch, 3); opset 11."""
    del kind
    weight = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(4, 3) / 10, "weight")
    nodes = [
        helper.make_node("Add", ["x", "onnx::y"], ["sum"], name="Add_0"),
        helper.make_node("MatMul", ["sum", "weight"], ["product"], name="MatMul_1"),
        helper.make_node("Relu", ["product"], ["out"], name="Relu_2"),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 4]) for name in ("x", "onnx::y")]
    outputs = [
        helper.make_tensor_value_info("out", TensorProto.FLOAT, [batch, 3]),
        helper.make_tensor_value_info("sum", TensorProto.FLOAT, [batch, 4]),
    ]
    graph = helper.make_graph(nodes, "net", values, outputs, [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 7
    onnx.save(model, str(path))
    return path


def expected(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """What the network computes."""
    weight = np.arange(12, dtype=np.float32).reshape(4, 3) / 10
    return [np.maximum((x + y) @ weight, 0), x + y]


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Runs a stand-in by its name, in a folder of its own; keywords are settings of the simulator."""

    def run(*words: str, check: bool = True, cwd: Path = tmp_path, **settings: Any) -> subprocess.CompletedProcess[str]:
        known = environment(SimulatorSettings(**{"name": "cann", "kind": "cann", **settings}))
        known["ASCEND_PROCESS_LOG_PATH"] = str(tmp_path / "plog")
        done = subprocess.run(list(words), cwd=cwd, env=known, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that ais_bench accepts."""
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network at batch 4 as an OM file for Ascend310P3."""
    place = tmp_path_factory.mktemp("om")
    place.chmod(0o755)
    network(place / "net.onnx", 4)
    known = environment(SimulatorSettings(name="cann", kind="cann"))
    words = ["--framework=5", "--model=net.onnx", "--output=net", "--soc_version=Ascend310P3"]
    subprocess.run(
        ["atc", *words, "--input_shape=x:4,4;onnx::y:4,4"], cwd=place, env=known, check=True, capture_output=True
    )
    return place / "net.om"

"""The ONNX Runtime backend on real files: what it computes, measures, reports and refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import psutil
import pytest

from harness.backends.onnx_runtime import OnnxRuntimeBackend, OnnxRuntimeOptions, compute_threads, session_options
from harness.backends.onnx_runtime_errors import translation
from harness.config.schema import MeasureSettings, PrecisionSettings
from harness.errors import HarnessError, OutOfMemoryError, UnsupportedError
from tests.backends import graphs

PROFILE = MeasureSettings(
    name="test", rounds=1, warmup_iterations=2, warmup_s=0, min_iterations=7, min_time_s=0, budget_s=20
)
X = np.array([[1, -2, 3], [-4, 5, -6]], dtype=np.float32)


@pytest.fixture
def backend() -> OnnxRuntimeBackend:
    return OnnxRuntimeBackend(OnnxRuntimeOptions())


def test_outputs_come_in_the_models_order(backend, tmp_path):
    with backend.load(graphs.two_outputs(tmp_path / "model.onnx")) as session:
        y, z = session.run({"x": X})
        assert session.output_names == ["y", "z"]
    np.testing.assert_array_equal(y, X @ np.arange(12, dtype=np.float32).reshape(3, 4))
    np.testing.assert_array_equal(z, np.maximum(X, 0))


def test_measure_gives_raw_samples(backend, tmp_path):
    samples = backend.measure(graphs.two_outputs(tmp_path / "model.onnx"), {"x": X}, PROFILE)
    times = samples.times_ms["compute"]
    assert set(samples.times_ms) == {backend.boundary, "end_to_end"} == {"compute", "end_to_end"}
    assert (samples.warmup_ms.shape, times.shape) == ((2,), (7,))
    assert (times > 0).all()
    assert samples.load_s > 0
    assert times.sum() <= samples.window_s * 1000
    assert samples.first_iteration_ms("compute") == samples.warmup_ms[0]


def test_the_file_itself_is_what_runs(backend, tmp_path):
    model = graphs.two_outputs(tmp_path / "model.onnx")
    fp32 = PrecisionSettings(name="fp32", dtype="float32")
    assert backend.convert(model, tmp_path / "target", fp32) == model
    assert not (tmp_path / "target").exists()


def test_flags_of_another_tool_are_refused_by_name(backend):
    precision = PrecisionSettings(name="gelu", dtype="float32", op_precision_mode="op_precision.ini")
    with pytest.raises(UnsupportedError, match=r"precision=gelu: .* cannot honour op_precision_mode=op_precision\.ini"):
        backend.check_precision(precision)


@pytest.mark.parametrize("dtype", ["float16", "mixed"])
def test_other_precisions_are_refused_by_name(backend, tmp_path, dtype):
    precision = PrecisionSettings(name="asked_for", dtype=dtype)
    with pytest.raises(UnsupportedError, match=f"precision=asked_for .{dtype}.*use precision=fp32"):
        backend.check_precision(precision)
    with pytest.raises(UnsupportedError):
        backend.convert(tmp_path / "model.onnx", tmp_path / "target", precision)


def test_session_options_are_the_ones_asked_for():
    made = session_options(
        OnnxRuntimeOptions(arena=False, intra_op_threads=1, inter_op_threads=3, graph_optimization="basic")
    )
    assert made.enable_cpu_mem_arena is False
    assert (made.intra_op_num_threads, made.inter_op_num_threads) == (1, 3)
    assert made.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert session_options(OnnxRuntimeOptions(arena=True)).enable_cpu_mem_arena is True
    levels = [
        session_options(OnnxRuntimeOptions(graph_optimization=level)).graph_optimization_level
        for level in ("disabled", "basic", "extended", "all")
    ]
    assert len(set(levels)) == 4


def test_tools_name_everything_that_shapes_the_numbers():
    default, other = OnnxRuntimeBackend(OnnxRuntimeOptions()), OnnxRuntimeBackend(OnnxRuntimeOptions(arena=True))
    assert default.tools()["onnxruntime"] == onnxruntime.__version__
    assert default.tools()["arena"] == "false"
    assert default.tools() != other.tools()
    assert all(isinstance(value, str) for value in default.tools().values())


@pytest.mark.parametrize("asked", [0, 1, 2, 3])
def test_the_reported_number_of_threads_is_the_real_one(asked, tmp_path):
    backend = OnnxRuntimeBackend(OnnxRuntimeOptions(intra_op_threads=asked))
    model = graphs.two_outputs(tmp_path / "model.onnx")
    before = psutil.Process().num_threads()
    with backend.load(model):
        started = psutil.Process().num_threads() - before
    assert int(backend.tools()["intra_op_threads"]) == 1 + started  # the caller computes too


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity") or os.cpu_count() == 1, reason="needs two CPUs to pin to one")
def test_a_pinned_process_computes_on_the_cpus_it_is_pinned_to():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert compute_threads(OnnxRuntimeOptions()) == 1
        assert session_options(OnnxRuntimeOptions()).intra_op_num_threads == 1
    finally:
        os.sched_setaffinity(0, before)


def failing(tmp_path: Path):
    """Models that do not load, with what the user is told."""
    (tmp_path / "junk.onnx").write_bytes(b"not a model")
    (tmp_path / "empty.onnx").touch()
    whole = graphs.two_outputs(tmp_path / "whole.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    return {
        "absent.onnx": HarnessError,
        "junk.onnx": HarnessError,
        "empty.onnx": HarnessError,
        "cut.onnx": HarnessError,
        graphs.unknown_operator(tmp_path / "unknown.onnx").name: UnsupportedError,
        graphs.unknown_operator(tmp_path / "foreign.onnx", "third.party").name: UnsupportedError,
        graphs.future_opset(tmp_path / "future.onnx").name: UnsupportedError,
    }


def test_a_model_that_does_not_load_is_one_line_with_its_name(backend, tmp_path):
    for name, kind in failing(tmp_path).items():
        with pytest.raises(HarnessError) as caught:
            backend.load(tmp_path / name)
        assert type(caught.value) is kind, name
        assert str(caught.value).startswith(name)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500
        assert "/onnxruntime_src/" not in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "missing from input feed"),
        ({"x": X.astype(np.float64)}, "Actual: .tensor.double.. , expected: .tensor.float.."),
        ({"x": X[:, :2].copy()}, "index: 1 Got: 2 Expected: 3"),
        ({"x": X, "q": X}, "q"),
    ],
)
def test_wrong_inputs_are_named(backend, tmp_path, inputs, said):
    model = graphs.two_outputs(tmp_path / "model.onnx")
    with backend.load(model) as session, pytest.raises(HarnessError, match=said) as caught:
        session.run(inputs)
    assert "\n" not in str(caught.value)
    with pytest.raises(HarnessError, match=said):
        backend.measure(model, inputs, PROFILE)


@pytest.mark.parametrize("arena", [False, True])
def test_too_little_memory_is_told_as_such(tmp_path, arena, capfd):
    backend = OnnxRuntimeBackend(OnnxRuntimeOptions(arena=arena, graph_optimization="disabled"))
    with pytest.raises(OutOfMemoryError, match="smaller batchsize"):
        backend.measure(graphs.too_large(tmp_path / "big.onnx"), {"x": np.ones((1, 1, 1), np.float32)}, PROFILE)
    capfd.readouterr()  # the runtime's own words go to the log of the child


def test_known_wordings():
    assert (
        type(translation(Path("m"), "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find ..."))
        is UnsupportedError
    )
    assert type(translation(Path("m"), "[ONNXRuntimeError] : 1 : FAIL : something else")) is HarnessError
    assert "something else)" in str(translation(Path("m"), "[ONNXRuntimeError] : 1 : FAIL : something\n else"))


def test_what_is_not_the_runtimes_passes_through(backend, tmp_path, monkeypatch):
    def fail(*_args):
        raise KeyError("a bug")

    monkeypatch.setattr("harness.backends.onnx_runtime.time_calls", fail)
    with pytest.raises(KeyError, match="a bug"):
        backend.measure(graphs.two_outputs(tmp_path / "model.onnx"), {"x": X}, PROFILE)


def test_importing_and_asking_for_tools_imports_no_runtime():
    code = (
        "import sys; from harness.backends.registry import backend_type; made = backend_type('onnxruntime');"
        "made(made.Options()).tools();"
        "print(sorted({'onnxruntime', 'onnx', 'torch', 'mlflow', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

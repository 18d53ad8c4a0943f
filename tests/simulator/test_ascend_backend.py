"""The Ascend backend on the stand-ins: what it measures, and how each way to fail ends a cell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.backends.iterations import iterations
from harness.backends.registry import cell_backend
from harness.config.compose import compose_settings
from harness.config.freeze import freeze
from harness.config.model import InputSettings, ModelSettings
from harness.config.schema import MeasureSettings, Settings
from harness.config.simulator import SimulatorSettings
from harness.devices import present
from harness.errors import ConfigError, HarnessError
from tests.simulator.conftest import expected, network

QUICK = MeasureSettings(
    name="quick", rounds=1, warmup_iterations=2, warmup_s=0, min_iterations=20, min_time_s=0, budget_s=60
)
SPECS = (InputSettings(name="x", shape=(4, 4)), InputSettings(name="onnx::y", shape=(4, 4)))


@pytest.fixture(scope="module")
def cell() -> Settings:
    settings = compose_settings("model=swin98", "soc_version=Ascend310P3", "batchsize=4", "simulator=cann")
    return replace(settings, model=ModelSettings("net", "onnx", "other", SPECS, ()), measure=QUICK)


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {spec.name: generator.standard_normal(spec.shape, dtype=np.float32) for spec in SPECS}


def simulating(cell: Settings, **changes: Any) -> Settings:
    return replace(cell, simulator=replace(cell.simulator, **changes))


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return network(tmp_path / "net.onnx", "batch")


@pytest.fixture
def om(cell: Settings, onnx: Path, tmp_path: Path, converted: Path) -> Path:
    del onnx
    target = tmp_path / "a store, whose=path is refused" / "net.om"
    target.parent.mkdir()
    target.write_bytes(converted.read_bytes())
    return target


def test_conversion_leaves_log_and_command(cell: Settings, onnx: Path, tmp_path: Path) -> None:
    runtime = cell_backend(cell)
    made = runtime.convert(onnx, tmp_path / "model", cell.precision)
    assert made.stat().st_size > onnx.stat().st_size
    files, info = runtime.conversion_report(tmp_path / "model")
    assert "ATC run success" in files["logs/atc.log"].read_text()
    assert "--input_shape=x:4,4;onnx::y:4,4" in info["command"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.log", "model.om", "net.onnx"]


def test_what_is_measured(cell: Settings, om: Path, arrays: dict[str, np.ndarray]) -> None:
    runtime = cell_backend(cell)
    samples = runtime.measure(om, arrays, QUICK)
    assert set(samples.times_ms) == {"compute", "h2d", "d2h", "end_to_end"}
    assert len(samples.times_ms["compute"]) == 20
    total = sum(samples.times_ms[name].mean() for name in ("h2d", "compute", "d2h"))
    assert samples.times_ms["end_to_end"][0] == pytest.approx(total)
    assert samples.conditions["printed_samples_per_s"] == pytest.approx(4000 / samples.times_ms["compute"].mean())
    assert samples.conditions["findings"] == []
    command = samples.conditions["command"]
    assert command[command.index("--loop") + 1] == "20"
    assert {
        "cann": "5.1.RC2",
        "driver": "22.0.2",
        "ais_bench": "0.0.2",
        "aclruntime": "0.0.2",
    }.items() <= runtime.tools().items()


def test_a_session_computes_what_the_network_does(cell: Settings, om: Path, arrays: dict[str, np.ndarray]) -> None:
    with cell_backend(cell).load(om) as session:
        assert [spec.name for spec in session.input_specs] == ["x", "onnx::y"]
        for sign in (1, -1):
            outputs = session.run({name: sign * array for name, array in arrays.items()})
            for got, wanted in zip(outputs, expected(sign * arrays["x"], sign * arrays["onnx::y"]), strict=True):
                np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
        with pytest.raises(HarnessError, match=r"the model takes \[4, 4\] float32"):
            session.run({**arrays, "x": arrays["x"][:1]})


def test_a_throughput_that_its_own_mean_contradicts_is_flagged(
    cell: Settings, om: Path, arrays: dict[str, np.ndarray]
) -> None:
    samples = cell_backend(simulating(cell, fail="wrong_throughput")).measure(om, arrays, QUICK)
    findings = samples.conditions["findings"]
    assert [finding["code"] for finding in findings] == ["throughput_mismatch"]


@pytest.mark.parametrize(
    ("changes", "status", "reason", "hint"),
    [
        ({"fail": "toolkit_missing"}, "failed", "toolkit_not_sourced", "set_env.sh"),
        ({"fail": "driver_library_missing"}, "failed", "driver_missing", "devlib"),
        ({"unsupported_operators": ("MatMul",)}, "unsupported", "operator_unsupported", "lower opset"),
    ],
)
def test_conversions_that_fail(
    cell: Settings, onnx: Path, tmp_path: Path, changes: dict[str, Any], status: str, reason: str, hint: str
) -> None:
    with pytest.raises(HarnessError) as failed:
        cell_backend(simulating(cell, **changes)).convert(onnx, tmp_path / "model", cell.precision)
    assert (failed.value.status, failed.value.reason) == (status, reason)
    assert hint in (failed.value.hint or "")


@pytest.mark.parametrize(
    ("changes", "status", "reason", "hint"),
    [
        ({"memory_mb": 930.0005}, "oom", "device_out_of_memory", "smaller batchsize"),
        ({"memory_mb": 930.001}, "oom", "device_out_of_memory", "smaller batchsize"),
        ({"chip": "Ascend310"}, "unsupported", "soc_version_mismatch", "soc_version=Ascend"),
        ({"fail": "toolkit_missing"}, "failed", "toolkit_not_sourced", "set_env.sh"),
        ({"fail": "device_busy"}, "failed", "device_busy", "another container or process"),
        ({"fail": "container"}, "failed", "device_busy", "another container or process"),
        ({"fail": "device_timeout"}, "timeout", "device_timeout", "55 s"),
        ({"fail": "aicore_exception"}, "failed", "aicore_exception", "out of range"),
    ],
)
def test_measurements_that_fail(
    cell: Settings,
    om: Path,
    arrays: dict[str, np.ndarray],
    changes: dict[str, Any],
    status: str,
    reason: str,
    hint: str,
) -> None:
    settings = simulating(cell, **changes)
    with pytest.raises(HarnessError) as failed:
        cell_backend(settings).measure(om, arrays, QUICK)
    assert (failed.value.status, failed.value.reason) == (status, reason), str(failed.value)
    assert hint in (failed.value.hint or "")


def test_a_device_that_npu_smi_cannot_reach_decides_its_cells(cell: Settings) -> None:
    for fail, reason in (("container", "device_busy"), ("driver_library_missing", "driver_missing")):
        composed = Composed(simulating(cell, fail=fail))
        manifest = freeze([composed], [[]], command=(), present=present)
        decided = manifest.cells[0].decided
        assert decided is not None
        assert (decided.status, decided.reason) == ("failed", reason)
        assert decided.hint


class Composed:
    def __init__(self, settings: Settings) -> None:
        self.settings, self.device_found, self.choices, self.notes = settings, False, {}, ()


@pytest.mark.parametrize(
    ("iteration_ms", "spent_s", "wanted"),
    [(1, 0, 2000), (100, 0, 64), (1000, 0, 60), (1000, 59, 5), (1e-3, 0, 20_000), (50, 55, 64), (50, 58, 40)],
)
def test_the_number_of_iterations(iteration_ms: float, spent_s: float, wanted: int) -> None:
    profile = MeasureSettings(
        name="p",
        rounds=1,
        warmup_iterations=1,
        warmup_s=0,
        min_iterations=64,
        min_time_s=2,
        budget_s=60,
        floor_iterations=5,
    )
    assert iterations(profile, iteration_ms, spent_s) == wanted


def test_simulator_settings_reach_the_tools(cell: Settings) -> None:
    assert cell_backend(cell).environment["HARNESS_SIMULATOR"]
    assert "HARNESS_SIMULATOR" not in cell_backend(replace(cell, simulator=SimulatorSettings())).environment


def test_a_trace_is_left_and_nothing_is_measured(
    cell: Settings, om: Path, arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    cell_backend(cell).profile(om, arrays, tmp_path / "trace")
    names = {path.suffix for path in (tmp_path / "trace").rglob("*") if path.is_file()}
    assert names == {".csv", ".json"}
    assert replace(cell, profile=True).repeats == 0


def test_an_interpreter_that_is_not_there_is_refused_before_anything_runs(cell: Settings) -> None:
    wrong = replace(cell, backend=replace(cell.backend, python="/nowhere/python3"))
    with pytest.raises(ConfigError, match=r"backend\.python=/nowhere/python3: no such interpreter"):
        cell_backend(wrong)
    with pytest.raises(ConfigError, match=r"backend\.python=/nowhere/python3: onnxruntime runs in the harness's own"):
        compose_settings("model=swin98_tiny", "soc_version=cpu", "backend.python=/nowhere/python3")

"""TensorRT on the stand-in of trtexec: what is built and measured, in three versions, and how it fails."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.backends.registry import cell_backend
from harness.backends.tensorrt import TensorRTBackend
from harness.backends.tensorrt_session import TensorRTSession
from harness.config.compose import compose_settings
from harness.config.model import InputSettings, ModelSettings
from harness.config.schema import MeasureSettings, Settings, SocSettings
from harness.config.simulator import SimulatorSettings
from harness.errors import ConfigError, HarnessError
from harness.simulator.trtexec_engine import described
from harness.stages.audit import audited
from tests.simulator.conftest import expected, network

AUDITED = MeasureSettings(
    name="quick", rounds=1, warmup_iterations=2, warmup_s=0, min_iterations=20, min_time_s=0, budget_s=60, audit=True
)
SPECS = (InputSettings(name="x", shape=(4, 4)), InputSettings(name="onnx::y", shape=(4, 4)))
VERSIONS = ("8.4.3", "10.2.0", "11.0.0")


@pytest.fixture(scope="module")
def cell() -> Settings:
    settings = composed("batchsize=4", "precision=fp32")
    return replace(settings, model=ModelSettings("net", "onnx", "other", SPECS, ()), measure=AUDITED, device=(0,))


def composed(*overrides: str) -> Settings:
    known = ("model=swin98_tiny", "soc_version=cpu", "backend=tensorrt", "simulator=nvidia")
    return replace(compose_settings(*known, *overrides), soc_version=SocSettings("T4", "tensorrt"))


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {spec.name: generator.standard_normal(spec.shape, dtype=np.float32) for spec in SPECS}


def simulating(cell: Settings, **changes: Any) -> Settings:
    return replace(cell, simulator=replace(cell.simulator, **changes))


def runtime(settings: Settings) -> TensorRTBackend:
    made = cell_backend(settings)
    assert isinstance(made, TensorRTBackend)
    return made


@pytest.fixture(scope="module")
def onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network(tmp_path_factory.mktemp("onnx") / "net.onnx", "batch")


@pytest.fixture(scope="module")
def engine(cell: Settings, onnx: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The engine of a version of TensorRT, built once, at a path that would have to be quoted."""
    built: dict[str, Path] = {}

    def of(version: str = "10.2.0") -> Path:
        if version not in built:
            folder = tmp_path_factory.mktemp("a store, with=odd characters")
            made = runtime(simulating(cell, tensorrt=version))
            built[version] = made.convert(onnx, folder / "model", cell.precision)
        return built[version]

    return of


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_times_the_same_things(
    cell: Settings, engine: Callable[..., Path], arrays: dict[str, np.ndarray], version: str
) -> None:
    made = runtime(simulating(cell, tensorrt=version))
    samples = made.measure(engine(version), arrays, AUDITED)
    assert set(samples.times_ms) == {"compute", "h2d", "d2h", "end_to_end", "enqueue"}
    assert {times.size for times in samples.times_ms.values()} == {20}
    total = sum(samples.times_ms[name] for name in ("h2d", "compute", "d2h"))
    np.testing.assert_allclose(samples.times_ms["end_to_end"], total, rtol=1e-4)
    printed = samples.conditions["settings"]
    assert [printed[label] for label in ("Data transfers", "Spin-wait", "CUDA Graph")] == [
        "Enabled",
        "Disabled",
        "Disabled",
    ]
    assert "Precision" not in printed  # that of a default, not of the engine
    assert samples.conditions["findings"] == []
    assert samples.conditions["queries"] == 20
    said = samples.conditions["command"]
    assert ("--noCudaGraph" in said, "--includeDataTransfers" in said) == (version == "11.0.0",) * 2
    assert made.tools()["tensorrt"] == samples.conditions["tensorrt"] == version
    assert (samples.warmup_ms.size > 0) == (version == "8.4.3")  # which lists the warm-up, too


@pytest.mark.parametrize("version", VERSIONS)
def test_copies_that_were_not_done_have_no_times(
    cell: Settings, engine: Callable[..., Path], arrays: dict[str, np.ndarray], version: str
) -> None:
    simulated = simulating(cell, tensorrt=version)
    backend = replace(simulated.backend, options={"transfers": False})
    samples = runtime(replace(simulated, backend=backend)).measure(engine(version), arrays, AUDITED)
    assert set(samples.times_ms) == {"compute", "enqueue"}
    assert samples.conditions["findings"] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_computes_what_the_network_does(
    cell: Settings, engine: Callable[..., Path], arrays: dict[str, np.ndarray], version: str
) -> None:
    with runtime(simulating(cell, tensorrt=version)).load(engine(version)) as session:
        outputs = session.run(arrays)
        for got, wanted in zip(outputs, expected(arrays["x"], arrays["onnx::y"]), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
        with pytest.raises(HarnessError, match=r"the engine takes \[4, 4\] float32"):
            session.run({**arrays, "x": arrays["x"].astype(np.float64)})


def test_an_engine_of_the_users_own_tells_its_inputs(cell: Settings, engine: Callable[..., Path]) -> None:
    unknown = replace(cell, model=replace(cell.model, kind="converted", inputs=()))
    assert [(each.name, each.shape, each.dtype) for each in runtime(unknown).input_specs(engine())] == [
        ("x", (4, 4), "float32"),
        ("onnx::y", (4, 4), "float32"),
    ]


def test_the_audit_compares_outputs_and_no_times(
    cell: Settings, engine: Callable[..., Path], arrays: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = runtime(cell)
    monkeypatch.setattr("harness.stages.audit.random_inputs", lambda *_: arrays)
    samples = made.measure(engine(), arrays, AUDITED)
    found = audited(made, engine(), cell, SPECS, samples=samples, caching=True)
    assert found.figures == {"outputs_compared": 1, "outputs_max_abs_over_range": 0.0}
    assert found.findings == ()
    monkeypatch.setattr(TensorRTSession, "run", lambda *_: [np.ones((4, 3), np.float32), np.ones((4, 4), np.float32)])
    other = audited(made, engine(), cell, SPECS, samples=samples, caching=True)
    assert [finding.code for finding in other.findings] == ["outputs_differ"]


@pytest.mark.parametrize(
    ("version", "flags", "where"),
    [("10.2.0", "--fp16", "builder"), ("11.0.0", None, "graph")],
)
def test_float16_is_the_builders_or_the_files(
    cell: Settings, onnx: Path, tmp_path: Path, version: str, flags: str | None, where: str
) -> None:
    half = replace(cell.precision, name="fp16", dtype="float16")
    made = runtime(simulating(replace(cell, precision=half), tensorrt=version))
    engine = made.convert(onnx, tmp_path / "model", half)
    files, report = made.conversion_report(tmp_path / "model")
    assert report["float16"] == where
    assert (flags in report["command"]) if flags else not any("fp16" in word for word in report["command"][3:])
    assert "&&&& PASSED" in files["logs/trtexec.log"].read_text()
    assert described(engine)["half"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.engine", "model.log"]
    assert made.tools().get("float16") == ("in the ONNX file" if where == "graph" else None)


@pytest.mark.parametrize(
    ("changes", "status", "reason", "hint"),
    [
        ({"unsupported_operators": ("MatMul",)}, "unsupported", "operator_unsupported", "another opset"),
        ({"fail": "toolkit_missing"}, "failed", "tool_missing", "backend.options.trtexec="),
        ({"devices": 0}, "failed", "device_not_found", "nvidia-smi -L"),
        ({"fail": "driver_not_loaded"}, "failed", "driver_error", "NVIDIA driver"),
    ],
)
def test_builds_that_fail(
    cell: Settings, onnx: Path, tmp_path: Path, changes: dict[str, Any], status: str, reason: str, hint: str
) -> None:
    with pytest.raises(HarnessError) as failed:
        runtime(simulating(cell, **changes)).convert(onnx, tmp_path / "model", cell.precision)
    assert (failed.value.status, failed.value.reason) == (status, reason), str(failed.value)
    assert hint in (failed.value.hint or "")


@pytest.mark.parametrize(
    ("changes", "status", "reason", "hint"),
    [
        ({"memory_mb": 105.0001}, "oom", "device_out_of_memory", "smaller batchsize"),
        ({"memory_mb": 105.0008}, "oom", "device_out_of_memory", "smaller batchsize"),
        ({"tensorrt": "11.0.0"}, "failed", "engine_incompatible", "build it again here"),
        ({"chip": "A10"}, "failed", "engine_incompatible", "build it again here"),
    ],
)
def test_measurements_that_fail(
    cell: Settings,
    engine: Callable[..., Path],
    arrays: dict[str, np.ndarray],
    changes: dict[str, Any],
    status: str,
    reason: str,
    hint: str,
) -> None:
    with pytest.raises(HarnessError) as failed:
        runtime(simulating(cell, **changes)).measure(engine(), arrays, AUDITED)
    assert (failed.value.status, failed.value.reason) == (status, reason), str(failed.value)
    assert hint in (failed.value.hint or "")


def test_a_trace_is_left_and_nothing_is_measured(
    cell: Settings, engine: Callable[..., Path], arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    runtime(cell).profile(engine(), arrays, tmp_path / "trace")
    assert {path.name for path in (tmp_path / "trace").iterdir()} == {"layers.json", "profile.json", "trtexec.log"}


def test_an_engine_is_built_again_for_another_version_chip_or_flag_and_for_nothing_else(
    cell: Settings, tmp_path: Path
) -> None:
    trtexec = tmp_path / "trtexec"

    def key(version: str = "v8403", chip: str = "T4", run: bool = False, **options: Any) -> str:
        banner = f"echo '&&&& RUNNING TensorRT.trtexec [TensorRT {version}] # trtexec --help'"
        known = "".join(f"echo '  --{name}'\n" for name in ("loadEngine", "workspace", "refit", "verbose"))
        trtexec.write_text(f"#!/bin/sh\n{banner}\n{known}")
        trtexec.chmod(0o755)
        os.utime(trtexec, ns=(0, next(ticks)))
        given = {"trtexec": str(trtexec), **options, **({"run_args": {"verbose": True}} if run else {})}
        real = replace(cell, simulator=SimulatorSettings(), backend=replace(cell.backend, options=given))
        return json.dumps(runtime(replace(real, soc_version=SocSettings(chip, "tensorrt"))).conversion_key())

    ticks = itertools.count(1)
    assert key() == key() == key(run=True) == key(spin_wait=True)
    assert len({key(), key("v8503"), key(chip="A10"), key(workspace_mb=64), key(build_args={"refit": True})}) == 5


def test_flags_that_this_version_does_not_know_are_refused_before_anything_runs(cell: Settings) -> None:
    def optioned(**options: Any) -> Settings:
        return replace(cell, backend=replace(cell.backend, options={**cell.backend.options, **options}))

    with pytest.raises(
        ConfigError, match=r"build_args\.sparsty: trtexec 10\.2\.0 has no --sparsty; did you mean sparsi"
    ):
        runtime(optioned(build_args={"sparsty": "enable"})).conversion_key()
    with pytest.raises(ConfigError, match=r"run_args\.duration: the harness gives --duration itself"):
        runtime(optioned(run_args={"duration": 10})).conversion_key()
    old = simulating(optioned(optimization_level=5), tensorrt="8.4.3")
    with pytest.raises(ConfigError, match=r"optimization_level=5: trtexec 8\.4\.3 has no --builderOptimizationLevel"):
        runtime(old).conversion_key()
    with pytest.raises(ConfigError, match=r"backend\.options\.trtexec=/nowhere/trtexec: no such program"):
        runtime(optioned(trtexec="/nowhere/trtexec"))


@pytest.mark.parametrize("precision", ["mixed", "gelu_high_performance"])
def test_what_only_atc_can_do_is_refused_by_name(precision: str) -> None:
    settings = composed(f"precision={precision}")
    with pytest.raises(HarnessError, match=rf"precision={precision} .*TensorRT cannot honour"):
        runtime(settings).check_precision(settings.precision)

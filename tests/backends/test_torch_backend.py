"""``backend=torch`` on the CPU by its contract, and what it does on a GPU with a small fake of CUDA's events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.backends.inputs import random_inputs
from harness.backends.protocol import Backend
from harness.backends.registry import cell_backend
from harness.backends.torch_backend import TorchBackend
from harness.backends.torch_cuda import Cuda, Event, Transfers
from harness.backends.torch_errors import translated
from harness.backends.torch_options import TorchOptions
from harness.config.compose import compose_settings
from harness.config.model import InputSettings, ModelSettings
from harness.config.schema import MeasureSettings, PrecisionSettings, Settings, SocSettings
from harness.errors import ConfigError, HarnessError, OutOfMemoryError, UnsupportedError
from harness.graph.export import export_onnx
from harness.graph.run import run_onnx
from harness.models.weights import load_weights
from harness.stages.preflight import preflight
from harness.testing import BackendContract
from harness.testing.network import Example
from tests.backends.tiny_family import BATCH, CLASSES, FAMILY, WIDTH

FULL = PrecisionSettings(name="fp32", dtype="float32")
HALF = PrecisionSettings(name="fp16", dtype="float16")
BRIEF = MeasureSettings(
    name="brief", rounds=1, warmup_iterations=2, warmup_s=0, min_iterations=5, min_time_s=0, budget_s=60, audit=True
)
MODEL = ModelSettings(
    name="tiny",
    kind="tests.backends.tiny_family:FAMILY",
    task="other",
    inputs=(InputSettings(name="x", shape=(BATCH, WIDTH)), InputSettings(name="offset", shape=(BATCH, CLASSES))),
    outputs=("scores", "doubled"),
)


@pytest.fixture(scope="module")
def cell() -> Settings:
    composed = compose_settings("model=swin98_tiny", "soc_version=cpu", "backend=torch", "batchsize=2")
    return replace(composed, model=MODEL)


def expected(inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    module = FAMILY.build({})
    load_weights(module, None, 0)
    weight, bias = (module.state_dict()[f"linear.{name}"].numpy() for name in ("weight", "bias"))
    return [np.maximum(inputs["x"] @ weight.T + bias, 0) + inputs["offset"], 2 * inputs["x"]]


class TestTorch(BackendContract):
    kind = "torch"
    heavy = (*BackendContract.heavy, "triton")

    @pytest.fixture(autouse=True)
    def _told(self, cell: Settings) -> None:
        self.cell = cell

    def make(self) -> Backend:
        return cell_backend(self.cell)

    def example(self, folder: Path) -> Example:
        inputs = random_inputs(MODEL.inputs, 3)
        module = FAMILY.build({})
        load_weights(module, None, 0)
        export_onnx(module, inputs, MODEL.outputs, folder / "tiny.onnx", 17)
        return Example(folder / "tiny.onnx", inputs, expected(inputs))

    def test_an_unknown_operator_is_unsupported(self, made: Backend, tmp_path: Path) -> None:
        """Of a file, which it never reads: whatever operators the file has, the answer is the same."""
        del made
        model = ModelSettings(name="mine", kind="onnx", task="other", file=str(tmp_path / "net.onnx"))
        with pytest.raises(UnsupportedError, match=r"model=mine: .* reads no files; use backend=onnxruntime"):
            cell_backend(replace(self.cell, model=model))
        outcome = preflight(replace(self.cell, model=model))
        assert outcome is not None
        assert (outcome.status, outcome.reason) == ("unsupported", "model_file")


class TestTorchHalf(TestTorch):
    """float16 on the CPU, which torch does; inputs and outputs stay float32."""

    precision = HALF
    tolerance = 1e-2


class FakeEvent:
    """Passed only when the device was waited for, as a real one."""

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda, self.at, self.wait = cuda, 0.0, -1

    def record(self) -> None:
        self.at, self.wait = time.perf_counter(), self.cuda.waits

    def elapsed_time(self, end: Any) -> float:
        if self.wait < 0 or end.wait < 0 or self.cuda.waits <= end.wait:
            raise RuntimeError("CUDA error: device not ready")
        return 1000 * (end.at - self.at)


class FakeCuda(Cuda):
    """Everything on the CPU, and a note of what was asked for."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.waits = 0
        self.pinned_bytes = 0

    def current(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def event(self) -> Event:
        return FakeEvent(self)

    def synchronize(self) -> None:
        self.waits += 1

    def pinned(self, like: torch.Tensor) -> torch.Tensor:
        self.pinned_bytes += like.nbytes
        return torch.empty_like(like)


@pytest.fixture
def gpu(cell: Settings, monkeypatch: pytest.MonkeyPatch) -> TorchBackend:
    """The backend of a T4's cell, whose CUDA is a fake."""
    monkeypatch.setattr(TorchBackend, "_cuda", lambda *_: FakeCuda())
    made = cell_backend(replace(cell, soc_version=SocSettings(name="T4", default_backend="tensorrt"), device=(0,)))
    assert isinstance(made, TorchBackend)
    return made


@pytest.mark.parametrize(
    "precision", [PrecisionSettings(name="fp32", dtype="float32"), HALF], ids=lambda each: each.name
)
def test_on_a_gpu_copies_and_compute_are_timed_apart(
    gpu: TorchBackend, tmp_path: Path, precision: PrecisionSettings
) -> None:
    inputs = random_inputs(MODEL.inputs, 0)
    samples = gpu.measure(gpu.convert(tmp_path / "no.onnx", tmp_path / "made", precision), inputs, BRIEF)
    assert set(samples.times_ms) == {"h2d", "compute", "d2h", "enqueue", "end_to_end"}
    assert {times.size for times in samples.times_ms.values()} == {5}
    assert samples.warmup_ms.size == 2
    parts = sum(samples.times_ms[name] for name in ("h2d", "compute", "d2h"))
    assert (parts <= samples.times_ms["end_to_end"]).all()
    assert (samples.times_ms["enqueue"] <= samples.times_ms["compute"] + 1e-6).all()
    tolerance = 1e-2 if precision is HALF else 1e-5
    for output, wanted in zip(samples.sketches[0], expected(inputs), strict=True):
        np.testing.assert_allclose(output, wanted.reshape(-1), rtol=tolerance, atol=tolerance)


def test_copies_go_through_pinned_memory_of_the_files_types(cell: Settings, tmp_path: Path) -> None:
    cuda = FakeCuda()
    inputs = random_inputs(MODEL.inputs, 0)

    def forward(x: torch.Tensor, offset: torch.Tensor) -> Sequence[torch.Tensor]:
        return [x, offset]

    batch = Transfers(cuda, forward, list(inputs.values()))
    with pytest.raises(RuntimeError, match="not ready"):
        batch.note()
    first = batch()
    batch.note()
    np.testing.assert_array_equal(first[1], inputs["offset"])
    assert cuda.pinned_bytes == 2 * sum(array.nbytes for array in inputs.values())
    batch()
    assert cuda.waits == 2
    assert cuda.pinned_bytes == 2 * sum(array.nbytes for array in inputs.values()), "memory is taken once"


def test_what_the_numbers_rest_on_is_said(cell: Settings, gpu: TorchBackend) -> None:
    tools = gpu.tools()
    assert (tools["mode"], tools["tf32"], tools["cudnn_benchmark"]) == ("eager", "false", "false")
    assert "threads" not in tools
    compiled = cell_backend(replace(cell, backend=replace(cell.backend, options={"compile": True, "threads": 2})))
    assert (compiled.tools()["mode"], compiled.tools()["threads"]) == ("compiled (default)", "2")


def test_float32_is_float32_whatever_torch_would_choose(gpu: TorchBackend, tmp_path: Path) -> None:
    torch.set_float32_matmul_precision("medium")
    try:
        with gpu.load(gpu.convert(tmp_path / "no.onnx", tmp_path / "made", FULL)):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cudnn.allow_tf32
    finally:
        torch.set_float32_matmul_precision("highest")


def test_the_network_is_the_one_of_the_onnx_file(tmp_path: Path) -> None:
    settings = compose_settings("model=swin98_tiny", "soc_version=cpu", "backend=torch", "model.weights=random")
    small = replace(settings.model, options={**settings.model.options, "depths": [1, 1, 1, 1]})
    runtime = cell_backend(replace(settings, model=small))
    inputs = random_inputs(small.inputs, 0)
    from harness.models.family import family

    found = family(small.kind)
    module = found.build(found.parse_options(small.options))
    load_weights(module, None, small.seed)
    export_onnx(module, inputs, small.outputs, tmp_path / "net.onnx", 11)
    with runtime.load(runtime.convert(tmp_path / "net.onnx", tmp_path / "made", settings.precision)) as session:
        (output,) = session.run(inputs)
    (wanted,) = run_onnx(tmp_path / "net.onnx", inputs).values()
    assert np.abs(output - wanted).max() < 1e-3 * np.ptp(wanted)


def test_weights_and_arithmetic_decide_the_conversions_key(cell: Settings) -> None:
    def key(settings: Settings) -> Any:
        runtime = cell_backend(settings)
        assert isinstance(runtime, TorchBackend)
        return runtime.conversion_key()

    assert key(cell) == key(replace(cell, seed=7))
    assert key(cell) != key(replace(cell, model=replace(MODEL, seed=1)))
    assert key(cell) != key(replace(cell, precision=HALF))


def test_too_little_memory_is_told_from_a_mistake() -> None:
    words = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 14.58 GiB"
    with pytest.raises(OutOfMemoryError, match="the GPU ran out of memory") as device, translated("net"):
        raise torch.OutOfMemoryError(words)
    assert (device.value.status, device.value.reason) == ("oom", "device_out_of_memory")
    with pytest.raises(OutOfMemoryError, match="the host's memory") as host, translated("net"):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    assert host.value.reason == "out_of_memory"
    with pytest.raises(UnsupportedError, match="use precision=fp32"), translated("net"):
        raise NotImplementedError("\"slow_conv3d_cpu\" not implemented for 'Half'")
    with pytest.raises(HarnessError, match="torch refused it") as other, translated("net"):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert not isinstance(other.value, OutOfMemoryError | UnsupportedError)


def test_what_it_cannot_drive_is_refused_by_name(cell: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="not Ascend310P3; use backend=ascend"):
        cell_backend(replace(cell, soc_version=SocSettings(name="Ascend310P3", default_backend="ascend")))
    simulated = replace(cell.simulator, name="nvidia", kind="nvidia", chip="T4")
    with pytest.raises(UnsupportedError, match="no stand-in of T4 for torch"):
        cell_backend(replace(cell, soc_version=SocSettings(name="T4", default_backend="tensorrt"), simulator=simulated))
    dropped = replace(MODEL, graph=replace(MODEL.graph, rules=("drop_output_resize",)))
    with pytest.raises(ConfigError, match="leave drop_output_resize out"):
        cell_backend(replace(cell, model=dropped))
    with pytest.raises(UnsupportedError, match="precision=mixed"):
        TorchBackend(TorchOptions()).check_precision(PrecisionSettings(name="mixed", dtype="mixed"))
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    here = replace(cell, soc_version=SocSettings(name="T4", default_backend="tensorrt"), device=(0,))
    monkeypatch.setattr("harness.backends.torch_version.built_for_cuda", lambda: None)
    with pytest.raises(UnsupportedError, match="was built without CUDA"):
        cell_backend(here).load(Path("made.pt"))
    monkeypatch.setattr("harness.backends.torch_version.built_for_cuda", lambda: "12.8")
    with pytest.raises(UnsupportedError, match="sees 0 CUDA devices"):
        cell_backend(here).load(Path("made.pt"))


def test_another_gpu_under_that_id_is_refused(cell: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    here = cell_backend(replace(cell, soc_version=SocSettings(name="T4", default_backend="tensorrt"), device=(0,)))
    monkeypatch.setattr("harness.backends.torch_version.built_for_cuda", lambda: "12.8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA A10")
    with pytest.raises(UnsupportedError, match="CUDA's device 0 is a NVIDIA A10, not a T4"):
        here.load(Path("made.pt"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla T4")
    assert isinstance(here, TorchBackend)
    made = here._cuda(0)
    assert made is not None
    assert made.device == torch.device("cuda", 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*script_method.* is deprecated:DeprecationWarning")  # torch.compile imports it
def test_a_compiled_network_gives_the_same_and_compiles_before_it_is_timed(cell: Settings, tmp_path: Path) -> None:
    compiled = cell_backend(replace(cell, backend=replace(cell.backend, options={"compile": True})))
    inputs = random_inputs(MODEL.inputs, 0)
    made = compiled.convert(tmp_path / "no.onnx", tmp_path / "made", cell.precision)
    samples = compiled.measure(made, inputs, BRIEF)
    assert samples.load_s * 1000 > 10 * samples.warmup_ms[0], "compiling is loading"
    for output, wanted in zip(samples.sketches[0], expected(inputs), strict=True):
        np.testing.assert_allclose(output, wanted.reshape(-1), rtol=1e-5, atol=1e-5)

"""PyTorch on an NVIDIA GPU through CUDA, or on the CPU: the network itself, eager or compiled, not its ONNX file.

It is built anew from its family with the same weights, so it runs models of the families alone; their ONNX file is made
all the same, as the model that devices share. Inputs and outputs keep the file's types: a float16 network casts inside.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from harness.backends import torch_version
from harness.backends.precision_flags import atc_only
from harness.backends.protocol import Array
from harness.backends.torch_errors import translated
from harness.backends.torch_options import TorchOptions
from harness.config.model import InputSettings
from harness.config.schema import MeasureSettings, PrecisionSettings, Settings
from harness.devices import nvidia
from harness.devices.nvidia_names import soc_version
from harness.errors import ConfigError, HarnessError, UnsupportedError
from harness.files import sha256_file
from harness.graph.enlarge import left_to_host
from harness.models.family import family
from harness.models.files import is_file
from harness.timing.loop import time_calls
from harness.timing.samples import Samples

if TYPE_CHECKING:
    from harness.backends.torch_cuda import Cuda
    from harness.backends.torch_session import TorchSession

CPU = "cpu"
HOW = "network of a family, weights as exported, constants folded, torch.inference_mode"


class TorchBackend:
    """On a GPU compute is timed by CUDA events, on the CPU by the clock. Without ``for_cell`` it runs on the CPU."""

    name: ClassVar[str] = "torch"
    boundary: ClassVar[str] = "compute"
    Options: ClassVar[type[Any]] = TorchOptions

    def __init__(self, options: TorchOptions) -> None:
        self.options = options
        self._settings: Settings | None = None

    def for_cell(self, settings: Settings) -> TorchBackend:
        """The same backend for one cell.

        Raises:
            UnsupportedError: the model is a file, or the device is simulated.
            ConfigError: the device is no GPU and no CPU, or the outputs are those of a changed graph.
        """
        model = settings.model
        if is_file(model):
            raise UnsupportedError(
                f"model={model.name}: backend=torch builds networks of the model families and reads no files; "
                "use backend=onnxruntime on the CPU or backend=tensorrt on a GPU",
                reason="model_file",
            )
        if settings.soc_version.name.startswith("Ascend"):
            raise ConfigError(
                f"backend=torch: it drives NVIDIA GPUs and the CPU, not {settings.soc_version.name}; use backend=ascend"
            )
        if settings.simulates:
            raise UnsupportedError(
                f"backend=torch: there is no stand-in of {settings.soc_version.name} for torch, which would use a real "
                "GPU; use backend=tensorrt with simulator=nvidia",
                reason="no_stand_in",
            )
        if left_to_host(model):
            rules = ", ".join(model.graph.rules)
            raise ConfigError(
                f"model.graph.rules=[{rules}]: backend=torch runs the network with its last resize; "
                "leave drop_output_resize out"
            )
        made = TorchBackend(self.options)
        made._settings = settings
        return made

    def check_precision(self, precision: PrecisionSettings) -> None:
        """Take float32 and float16; what torch has no float16 for on the CPU is refused when it is run."""
        given = atc_only(precision)
        if given:
            raise UnsupportedError(
                f"precision={precision.name}: torch cannot honour {given}, which only ATC takes; "
                "use precision=fp16 or fp32"
            )
        if precision.dtype not in {"float32", "float16"}:
            raise UnsupportedError(
                f"precision={precision.name} ({precision.dtype}): torch computes in one type throughout; "
                "use precision=fp16 or fp32"
            )

    def tools(self) -> Mapping[str, str]:
        """Versions, where it runs, and every option that changes the numbers."""
        given = self.options
        found = {
            "torch": torch_version.version(),
            "mode": f"compiled ({given.compile_mode})" if given.compile else "eager",
            "how": HOW,
            "channels_last": str(given.channels_last).lower(),
        }
        if not self._on_gpu:
            return {**found, "threads": str(given.threads or "torch's own")}
        return {
            **found,
            "cuda": torch_version.built_for_cuda() or "absent",
            "tf32": str(given.tf32).lower(),
            "cudnn_benchmark": str(given.cudnn_benchmark).lower(),
        }

    def conversion_key(self) -> Mapping[str, Any]:
        """The network with its weights and inputs, its arithmetic, and torch's version."""
        settings = self._cell()
        model = settings.model
        checkpoint = Path(model.checkpoint).expanduser() if model.checkpoint else None
        return {
            "network": [model.kind, dict(model.options)],
            "weights": sha256_file(checkpoint) if checkpoint else f"seed {model.seed}",
            "inputs": [[spec.name, list(spec.shape), spec.dtype] for spec in model.inputs],
            "dtype": settings.precision.dtype,
            "sources": [[file.name, sha256_file(file)] for file in family(model.kind).source_files()],
            "format": sha256_file(Path(__file__).with_name("torch_file.py")),
            "torch": torch_version.version(),
        }

    def convert(self, onnx: Path, target: Path, precision: PrecisionSettings) -> Path:  # noqa: ARG002
        """Write the network that ``load`` opens; the ONNX file is not read. Raises as ``check_precision`` does."""
        from harness.backends.torch_file import write_network

        self.check_precision(precision)
        made = target.with_suffix(".pt")
        write_network(self._cell().model, precision.dtype, made)
        return made

    def conversion_report(self, target: Path) -> tuple[Mapping[str, Path], Mapping[str, Any]]:  # noqa: ARG002
        """No files; what was written."""
        return {}, {"tool": "torch.save", "torch": torch_version.version(), "how": HOW}

    @property
    def device_ids(self) -> tuple[int, ...]:
        """The GPUs to use, by CUDA's ids, else the first of that kind; on the CPU there is one device."""
        settings = self._settings
        if settings is None or not self._on_gpu:
            return (0,)
        return settings.device or (nvidia.chosen(settings.soc_version.name).device_id,)

    def load(self, model: Path) -> TorchSession:
        """Open the network on the first device. Raises UnsupportedError, OutOfMemoryError or HarnessError."""
        return self.load_on(model, self.device_ids[0])

    def load_on(self, model: Path, device_id: int) -> TorchSession:
        """Open the network on one of the devices."""
        from harness.backends.torch_session import TorchSession

        return TorchSession(model, self.options, self._cuda(device_id))

    def input_specs(self, model: Path) -> Sequence[InputSettings]:
        """What the file says of the inputs."""
        from harness.backends.torch_file import read_network

        return read_network(model).inputs

    def measure(self, model: Path, inputs: Mapping[str, Array], profile: MeasureSettings) -> Samples:
        """Load, warm up and time one batch over and over; on a GPU with its copies, each by CUDA events."""
        begin = time.perf_counter()
        with self.load(model) as session, translated("backend=torch"):
            load_s = time.perf_counter() - begin
            if not self._on_gpu:
                return time_calls(session.on_cpu(inputs), profile).samples(self.boundary, "end_to_end", load_s=load_s)
            return session.timed_on_gpu(inputs, profile, load_s)

    @property
    def _on_gpu(self) -> bool:
        return self._settings is not None and self._settings.soc_version.name != CPU

    def _cuda(self, device_id: int) -> Cuda | None:
        """The GPU with that id, or None on the CPU.

        Raises:
            UnsupportedError: torch was built without CUDA, cannot use the GPU, or calls another one by that id.
        """
        if not self._on_gpu:
            return None
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # NVML's order, which device ids follow
        import torch

        from harness.backends.torch_cuda import Cuda

        if torch_version.built_for_cuda() is None:
            raise UnsupportedError(
                f"backend=torch: torch {torch_version.version()} was built without CUDA; install the build that "
                "pytorch.org names for this CUDA, or use backend=tensorrt"
            )
        if not torch.cuda.is_available() or device_id >= torch.cuda.device_count():
            raise UnsupportedError(
                f"device={device_id}: torch {torch_version.version()} sees {torch.cuda.device_count()} CUDA devices; "
                "check the driver with python -m harness.doctor"
            )
        name, wanted = torch.cuda.get_device_name(device_id), self._cell().soc_version.name
        if soc_version(name) != wanted.removesuffix("_MIG"):  # CUDA_DEVICE_ORDER=FASTEST_FIRST among several kinds
            raise UnsupportedError(
                f"device={device_id}: CUDA's device {device_id} is a {name}, not a {wanted}; "
                "set CUDA_DEVICE_ORDER=PCI_BUS_ID, or choose one with CUDA_VISIBLE_DEVICES"
            )
        return Cuda(device_id)

    def _cell(self) -> Settings:
        if self._settings is None:
            raise HarnessError("backend torch: it needs the whole cell; use harness.backends.registry.cell_backend")
        return self._settings

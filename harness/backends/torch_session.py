"""An open network of ``backend=torch``: inputs are checked, cast on the device, computed, and given back in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.backends.protocol import Array
from harness.backends.torch_cuda import Cuda, Transfers
from harness.backends.torch_errors import translated
from harness.backends.torch_file import read_network
from harness.config.model import InputSettings
from harness.config.schema import MeasureSettings
from harness.errors import HarnessError
from harness.timing.loop import time_calls
from harness.timing.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import Self

    from harness.backends.torch_options import TorchOptions


class TorchSession:
    """See ``harness.backends.protocol.Session``; ``cuda`` None computes on the CPU."""

    def __init__(self, model: Path, options: TorchOptions, cuda: Cuda | None) -> None:
        """Read the file and bring the network to the device; with ``compile`` it is compiled for its shapes here."""
        import torch

        network = read_network(model)
        self._cuda = cuda
        self.input_specs: Sequence[InputSettings] = network.inputs
        self._half = network.dtype == "float16"
        set_switches(options)
        with translated("backend=torch"):
            module = network.module.half() if self._half else network.module
            moved = module.to(cuda.device) if cuda is not None else module
            self._module: Any = moved
            if options.channels_last:
                self._module = self._module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            if options.compile:
                mode = None if options.compile_mode == "default" else options.compile_mode
                self._module = torch.compile(self._module, dynamic=False, mode=mode)
                self.run({spec.name: np.zeros(spec.shape, spec.dtype) for spec in self.input_specs})

    def run(self, inputs: Mapping[str, Array]) -> Sequence[Array]:
        """Infer one batch; see the protocol."""
        import torch

        arrays = self._checked(inputs)
        with translated("backend=torch"):
            if self._cuda is None:
                outputs = self.forward(*(torch.from_numpy(np.array(array)) for array in arrays))
                return [output.numpy().copy() for output in outputs]
            with self._cuda.current():
                outputs = self.forward(*(torch.from_numpy(np.array(each)).to(self._cuda.device) for each in arrays))
                return [output.cpu().numpy() for output in outputs]

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        """The network on tensors of the device: floats are cast to its arithmetic and back to float32 there."""
        import torch

        with torch.inference_mode():
            given = [each.half() if self._half and each.is_floating_point() else each for each in inputs]
            outputs = self._module(*given)
            found = outputs if isinstance(outputs, tuple | list) else (outputs,)
            return [each.float() if each.dtype == torch.float16 else each for each in found]

    def on_cpu(self, inputs: Mapping[str, Array]) -> Any:
        """The bare call that is timed on the CPU, errors untranslated."""
        import torch

        tensors = [torch.from_numpy(np.array(array)) for array in self._checked(inputs)]

        def call() -> list[Array]:
            return [output.numpy() for output in self.forward(*tensors)]

        return call

    def timed_on_gpu(self, inputs: Mapping[str, Array], profile: MeasureSettings, load_s: float) -> Samples:
        """Time one batch over and over: copies and compute by events, all together by the clock; errors untranslated.

        The warm-up's times are of the compute, like the headline.
        """
        if self._cuda is None:
            raise TypeError("a session on the CPU has no copies")
        with self._cuda.current():
            batch = Transfers(self._cuda, self.forward, self._checked(inputs))
            timing = time_calls(batch, profile, after=batch.note)
        samples = timing.samples("end_to_end", load_s=load_s)
        warmup = timing.warmup_ms.size
        times = {**batch.arrays(warmup), **samples.times_ms}
        first = np.asarray(batch.times_ms["compute"][:warmup], dtype=np.float64)
        return replace(samples, times_ms=times, warmup_ms=first)

    def _checked(self, inputs: Mapping[str, Array]) -> list[Array]:
        """The arrays in the network's order.

        Raises:
            HarnessError: one is missing, unknown, or of another shape or dtype.
        """
        names = [spec.name for spec in self.input_specs]
        if set(inputs) != set(names):
            raise HarnessError(f"inputs {sorted(inputs)}: the model has {names}", reason="input_name_unknown")
        for spec in self.input_specs:
            given = inputs[spec.name]
            if given.shape != spec.shape or str(given.dtype) != spec.dtype:
                raise HarnessError(
                    f"input {spec.name}: {list(given.shape)} {given.dtype} was given, "
                    f"the model takes {list(spec.shape)} {spec.dtype}",
                    reason="input_size_mismatch",
                )
        return [inputs[name] for name in names]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._module
        if self._cuda is not None:
            import torch

            torch.cuda.empty_cache()


def set_switches(options: TorchOptions) -> None:
    """Fix what torch may choose by itself: TF32, cuDNN's search for the fastest algorithm, and threads on the CPU."""
    import torch

    torch.set_float32_matmul_precision("high" if options.tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = options.tf32
    torch.backends.cudnn.benchmark = options.cudnn_benchmark
    if options.threads:
        torch.set_num_threads(options.threads)

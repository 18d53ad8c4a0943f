"""Running a torch network on the samples of a batch, one at a time, so that memory does not grow with the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn


def run_module(
    module: nn.Module, inputs: Mapping[str, NDArray[Any]], samples: int, batch_axes: int = 1
) -> list[NDArray[Any]]:
    """The network's outputs for the first ``samples`` of the batch.

    Args:
        module: in eval mode, on the CPU; takes the inputs in order, batch axis first.
        inputs: arrays whose first axis is the batch.
        samples: at least one; more than the batch holds means all of it.
        batch_axes: leading axes of each input that count independent samples; of each but the first, only the first
            entry is run (one view of a video).

    Returns:
        One array per output; for the inputs as ``leading`` cuts them.
    """
    import torch

    chosen = leading(inputs, samples, batch_axes)
    rows: list[list[NDArray[Any]]] = []
    with torch.inference_mode():
        for index in range(min(len(array) for array in chosen.values())):
            outputs = module(*(torch.from_numpy(np.array(array[index : index + 1])) for array in chosen.values()))
            rows.append([output.numpy() for output in (outputs if isinstance(outputs, tuple | list) else (outputs,))])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def leading(inputs: Mapping[str, NDArray[Any]], samples: int, batch_axes: int) -> dict[str, NDArray[Any]]:
    """Views of the inputs: the first ``samples`` of the batch, and of every further batch axis the first entry."""
    place = (slice(samples), *[slice(1)] * (batch_axes - 1))
    return {name: array[place] for name, array in inputs.items()}


@dataclass(frozen=True)
class ModuleRuntime:
    """A network, in eval mode and on the CPU, as a runtime that an evaluation can use."""

    module: nn.Module

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs for the whole batch."""
        return run_module(self.module, inputs, len(next(iter(inputs.values()))))

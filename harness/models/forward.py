"""Running a torch network on a few samples of a batch, one at a time, so that memory does not grow with the batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn


def run_module(module: nn.Module, inputs: Mapping[str, NDArray[Any]], samples: int) -> list[NDArray[Any]]:
    """The network's outputs for the first ``samples`` of the batch.

    Args:
        module: in eval mode, on the CPU; takes the inputs in order, batch axis first.
        inputs: arrays whose first axis is the batch.
        samples: at least one; more than the batch holds means all of it.

    Returns:
        One array per output, its first axis as long as the samples that were run.
    """
    import torch

    batch = min(len(array) for array in inputs.values())
    rows: list[list[NDArray[Any]]] = []
    with torch.inference_mode():
        for index in range(min(samples, batch)):
            outputs = module(*(torch.from_numpy(np.array(array[index : index + 1])) for array in inputs.values()))
            rows.append([output.numpy() for output in (outputs if isinstance(outputs, tuple | list) else (outputs,))])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]

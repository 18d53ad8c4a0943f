"""What the torch network itself computes for the first samples of a batch: what the graphs are held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def reference_outputs(module: nn.Module, inputs: Mapping[str, NDArray[Any]], samples: int) -> list[NDArray[Any]]:
    """The network's outputs in order, each for the first ``samples`` samples, run one at a time to save memory.

    Args:
        module: in eval mode, on the CPU; takes the inputs in order.
        inputs: arrays by name, the batch axis first.
        samples: at most as many as the batch holds are run.
    """
    rows: list[list[NDArray[Any]]] = []
    with torch.no_grad():
        for index in range(min(samples, *(len(array) for array in inputs.values()))):
            outputs = module(*(torch.from_numpy(array[index : index + 1]) for array in inputs.values()))
            rows.append([output.numpy() for output in (outputs if isinstance(outputs, tuple | list) else (outputs,))])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]

"""Writing a torch network as an ONNX file: TorchScript exporter, static shapes, constants once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harness.errors import UnsupportedError
from harness.graph.tidy import tidy, wrong_outputs

EXPECTED_WARNINGS = (
    "You are using the legacy TorchScript-based ONNX export",
    "The feature will be removed. Please remove usage of this function",
)
"""Beginnings of what torch 2.9 to 2.13 say because the exporter that reaches opset 11 is no longer the default."""


def export_onnx(
    module: nn.Module,
    inputs: Mapping[str, NDArray[Any]],
    output_names: Sequence[str],
    path: Path,
    opset: int,
    *,
    batch_axes: int = 1,
) -> None:
    """Trace ``module`` once with ``inputs`` and write the graph to ``path``; every shape in it is static.

    Submodules that define ``fold_constants()`` are told to. A network whose attribute ``batch_free`` is true promises
    that no constant of its graph depends on the batch: it is traced with the first sample alone and the batch size is
    written into the graph, which saves the memory of a large batch. The parameters are frozen. Equal networks, inputs
    and versions of torch give equal bytes: the file holds no date, no path and no trace of the source.

    Args:
        module: in eval mode, on the CPU; takes the inputs in order.
        inputs: arrays by ONNX name, of the shapes and types that the file shall have. The values only flow through the
            trace. The first axis of each is the batch.
        batch_axes: leading axes of each input that count independent samples (2 for videos and their views).
        output_names: as many as the network returns.
        path: the file to write; its folder exists.
        opset: 9 to 20, as far as torch's TorchScript exporter goes.

    Raises:
        UnsupportedError: the network uses an operation that the opset or the exporter lacks, or is not as free of its
            batch size as it promised.
        HarnessError: the network returns another number of outputs.
    """
    for submodule in module.modules():
        fold = getattr(submodule, "fold_constants", None)
        if fold is not None:
            fold()
    module.eval().requires_grad_(requires_grad=False)
    batch = _separable_batch(module, inputs, batch_axes)
    single = (slice(1),) * batch_axes
    traced = [array if batch is None else array[single] for array in inputs.values()]
    arguments = tuple(torch.from_numpy(np.array(array)) for array in traced)
    with torch.no_grad(), _expected_warnings_ignored():
        try:
            torch.onnx.export(
                module,
                arguments,
                str(path),
                input_names=list(inputs),
                output_names=list(output_names),
                opset_version=opset,
                dynamo=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error).splitlines()[0]
            raise UnsupportedError(f"export.opset={opset}: the network cannot be exported ({reason})") from error
        except RuntimeError as error:
            if "output names" not in str(error):
                raise
            raise wrong_outputs(output_names, "fewer") from error
    tidy(path, output_names, batch)


def _separable_batch(module: nn.Module, inputs: Mapping[str, NDArray[Any]], axes: int) -> tuple[int, ...] | None:
    """The sizes of the batch axes, where one sample is enough to trace the network; else None."""
    batches = {array.shape[:axes] for array in inputs.values() if array.ndim}
    return batches.pop() if getattr(module, "batch_free", False) and len(batches) == 1 else None


@contextmanager
def _expected_warnings_ignored() -> Iterator[None]:
    """Ignore the exporter's notices about its own age and nothing else."""
    with warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        yield

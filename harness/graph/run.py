"""Running an ONNX file once on ONNX Runtime's CPU provider, for its outputs and not for its time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from harness.errors import HarnessError


def run_onnx(path: Path, inputs: Mapping[str, NDArray[Any]], threads: int | None = None) -> dict[str, NDArray[Any]]:
    """The outputs by name. The session has no memory arena and is gone on return.

    Args:
        path: an ONNX file.
        inputs: arrays by name, of the file's shapes and types.
        threads: intra-operator threads; None for ONNX Runtime's choice.

    Raises:
        HarnessError: ONNX Runtime cannot load or run the file.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        reason = str(error).strip().splitlines()
        raise HarnessError(
            f"{path}: ONNX Runtime cannot run it ({reason[0] if reason else type(error).__name__})"
        ) from error

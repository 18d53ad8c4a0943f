"""What the host does where the graph rule ``drop_output_resize`` has left the last Resize out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.config.model import ModelSettings
from harness.models.geometry import bilinear_matrix

RULE = "drop_output_resize"


def left_to_host(model: ModelSettings) -> bool:
    """Whether the model's outputs may come without their last enlargement."""
    return RULE in model.graph.rules


def enlarged(output: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The output (..., height, width) enlarged to ``shape``, bilinearly with ``align_corners=False``.

    Anything but an enlargement of the last two axes by whole numbers is returned as it is, for the caller to refuse.
    """
    fits = output.ndim == len(shape) == 4 and output.shape[:2] == shape[:2] and output.shape != shape
    if not fits or any(new % old or old > new for old, new in zip(output.shape[2:], shape[2:], strict=True)):
        return output
    rows, columns = (_matrix(old, new) for old, new in zip(output.shape[2:], shape[2:], strict=True))
    large = np.empty(shape, output.dtype)
    for sample, made in zip(output, large, strict=True):  # one at a time: a batch of eight takes 1.2 GB
        np.matmul(rows.astype(output.dtype), sample @ columns.T.astype(output.dtype), out=made)
    return large


@lru_cache(maxsize=8)
def _matrix(old: int, new: int) -> NDArray[Any]:
    matrix: NDArray[Any] = np.asarray(bilinear_matrix(old, new))
    return matrix

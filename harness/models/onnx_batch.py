"""Which open dimension of an ONNX file is the batch, and whether the file computes the batch that is reported.

The batch is what is called so (``batch``, ``batch_size``, ``N``), on whatever axis; in a file without such a name it is
the first axis of each input. The other open dimensions must be given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from harness.errors import ConfigError, UnsupportedError
from harness.models.onnx_file import OnnxFile

BATCH_NAME = re.compile(r"^(?:\w*batch\w*|n|bs|b)$", re.IGNORECASE)  # not batch*sequence


def batch_names(file: OnnxFile, sizes: Mapping[str, int]) -> frozenset[str]:
    """The names of the open dimensions that become the batch size."""
    axes = list(_named_axes(file))
    called = {name for name, _ in axes if BATCH_NAME.search(name)}
    if called:
        return frozenset(called)
    first = {name for name, axis in axes if axis == 0} - sizes.keys()
    elsewhere = {name for name, axis in axes if axis > 0}
    return frozenset(first - elsewhere or first)


def is_given(file: OnnxFile, sizes: Mapping[str, int], batchsize: int) -> bool:
    """Whether a dimension that is called batch was given a size; it must be the batch size."""
    called = {name for name, _ in _named_axes(file) if BATCH_NAME.search(name)} & sizes.keys()
    for name in called:
        if sizes[name] != batchsize:
            raise ConfigError(
                f"model.dims.{name}, or the shape in model.inputs, says {sizes[name]}, but {name} is the batch and "
                f"batchsize={batchsize}; leave it out, or write ${{batchsize}}"
            )
    return bool(called)


def _named_axes(file: OnnxFile) -> Iterator[tuple[str, int]]:
    for each in file.inputs:
        for axis, size in enumerate(each.shape):
            if isinstance(size, str):
                yield size, axis


def check_batch(file: OnnxFile, shapes: Mapping[str, tuple[int, ...]], batchsize: int, batched: bool) -> list[str]:
    """Refuse a file that computes another batch; returns what to note of inputs without a batch axis.

    Where no axis became the batch size, the input with the most elements says what the batch is.
    """
    if not batched:
        largest = max(file.inputs, key=lambda each: math.prod(shapes[each.name]) if shapes[each.name] else 0)
        shape = list(shapes[largest.name])
        batch = shape[0] if shape else 1
        if batch != batchsize:
            fixed = "fixed" if shape and isinstance(largest.shape[0], int) else "given"
            raise UnsupportedError(
                f"batchsize={batchsize}: input {largest.name} {shape} of {file.path.name} has a {fixed} batch of "
                f"{batch}; use batchsize={batch}, or export the file with an open first axis"
            )
    return [
        f"input {each.name} keeps its first axis of {shapes[each.name][0]}, whatever the batch size"
        for each in file.inputs
        if shapes[each.name] and shapes[each.name][0] != batchsize and batchsize not in shapes[each.name]
    ]

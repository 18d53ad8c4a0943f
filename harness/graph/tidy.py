"""What is done to every graph that an exporter wrote, in whatever interpreter: constants once, outputs counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx

from harness.errors import HarnessError
from harness.graph.batch import set_batch
from harness.graph.constants import share_constants


def tidy(path: Path, output_names: Sequence[str], batch: tuple[int, ...] | None = None) -> None:
    """Rewrite the file with each constant stored once, and for the sizes of its batch axes where they are given.

    Raises:
        HarnessError: it has another number of outputs than names.
    """
    model = share_constants(onnx.load(str(path)))
    if len(model.graph.output) != len(output_names):
        raise wrong_outputs(output_names, str(len(model.graph.output)))
    if batch is not None:
        set_batch(model, batch)
    onnx.save(model, str(path))


def wrong_outputs(names: Sequence[str], found: str) -> HarnessError:
    """The refusal of a network that returns another number of outputs than have names."""
    return HarnessError(f"model.outputs=[{', '.join(names)}]: the network returns {found} outputs; name each of them")

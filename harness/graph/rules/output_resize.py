"""The last Resize of a segmentation network, left to the host: a sixteenth as much to copy from the device."""

from __future__ import annotations

from typing import Any

from onnxscript import ir
from onnxscript.rewriter import RewriteRuleClassBase

from harness.graph.rules import Rule

HALF_PIXEL = frozenset({"half_pixel", "pytorch_half_pixel"})
"""How the host enlarges (``harness.graph.enlarge``): both are the same where no side has a single pixel."""


class DropOutputResize(RewriteRuleClassBase):  # type: ignore[misc]
    """A bilinear enlargement by whole numbers that makes an output is left out."""

    def pattern(self, op: Any, small: Any) -> Any:
        """Any Resize."""
        return op.Resize(small, _allow_other_inputs=True, _outputs=["large"])

    def check(self, _context: Any, small: ir.Value, large: ir.Value) -> bool:
        """Whether it makes an output of the graph, nothing else reads it, and the host can do the same."""
        node = large.producer()
        if node is None or not large.is_graph_output() or large.uses():
            return False
        mode, coordinates = (node.attributes.get(name) for name in ("mode", "coordinate_transformation_mode"))
        linear = mode is not None and mode.as_string() == "linear"
        half_pixel = coordinates is None or coordinates.as_string() in HALF_PIXEL
        return linear and half_pixel and _enlarges(small.shape, large.shape)

    def rewrite(self, op: Any, small: ir.Value, large: ir.Value) -> Any:
        """The scores before the enlargement, under the output's name."""
        large.shape = small.shape
        output = op.Identity(small)
        output.shape = small.shape
        return output


def _enlarges(small: ir.Shape | None, large: ir.Shape | None) -> bool:
    """Whether both are known pictures, the second larger by whole numbers."""
    if small is None or large is None or not (small.is_static() and large.is_static()) or len(small) != 4:
        return False
    before, after = small.numpy(), large.numpy()
    return (
        tuple(before[:2]) == tuple(after[:2])
        and all(size > 1 and new % size == 0 for size, new in zip(before[2:], after[2:], strict=True))
        and tuple(before) != tuple(after)
    )


DROP_OUTPUT_RESIZE = Rule(
    "drop_output_resize",
    "the last Resize makes the output many times larger, and copying it from the device may take longer than computing",
    lambda: [DropOutputResize.rule()],
)

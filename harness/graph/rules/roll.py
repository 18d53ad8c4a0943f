"""What ``roll`` by zero leaves in a graph: an empty Slice, a Slice that takes everything, and the Concat of both."""

from __future__ import annotations

from typing import Any

from onnxscript import ir
from onnxscript.rewriter import RewriteRuleClassBase

from harness.graph.rules import Rule

UNBOUNDED = 2**31 - 1
"""An end from here on means the end of the axis (ONNX, Slice: INT_MAX, or the largest value of its type)."""


class DropEmptyParts(RewriteRuleClassBase):  # type: ignore[misc]
    """A Concat loses the inputs that are empty along its axis, and itself where one input is left."""

    def pattern(self, op: Any) -> Any:
        """Any Concat."""
        return op.Concat(_allow_other_inputs=True, _outputs=["joined"])

    def check(self, _context: Any, joined: ir.Value) -> bool:
        """Whether it has less to join than inputs."""
        node = joined.producer()
        return node is not None and len(_parts(node)) < max(len(node.inputs), 2)

    def rewrite(self, op: Any, joined: ir.Value) -> Any:
        """The part that is left, or the Concat of those."""
        node = joined.producer()
        assert node is not None
        parts = _parts(node)
        return op.Identity(parts[0]) if len(parts) == 1 else op.Concat(*parts, axis=_axis(node))


class DropWholeSlice(RewriteRuleClassBase):  # type: ignore[misc]
    """A Slice that takes everything in its order is its input."""

    def pattern(self, op: Any, data: Any) -> Any:
        """Any Slice."""
        return op.Slice(data, _allow_other_inputs=True, _outputs=["cut"])

    def check(self, _context: Any, data: ir.Value, cut: ir.Value) -> bool:
        """Whether it takes everything, by its shapes or by its constants."""
        node = cut.producer()
        steps = [1] if node is None or len(node.inputs) < 5 else _integers(node.inputs[4])
        if node is None or steps is None or any(step != 1 for step in steps):
            return False
        if data.shape is not None and cut.shape is not None and data.shape.is_static() and data.shape == cut.shape:
            return True
        starts, ends = (_integers(value) if value is not None else None for value in (*node.inputs, None, None)[1:3])
        return bool(starts and ends) and not any(starts or ()) and all(end >= UNBOUNDED for end in ends or ())

    def rewrite(self, op: Any, data: ir.Value, cut: ir.Value) -> Any:
        """The input."""
        del cut
        return op.Identity(data)


def _axis(node: ir.Node) -> int:
    return int(node.attributes["axis"].as_int())


def _parts(node: ir.Node) -> list[ir.Value]:
    """The inputs of a Concat that hold something; the first input where none does."""
    parts = [value for value in node.inputs if value is not None]
    axis = _axis(node)
    filled = [value for value in parts if value.shape is None or not len(value.shape) or value.shape[axis] != 0]
    return filled or parts[:1]


def _integers(value: ir.Value | None) -> list[int] | None:
    """The content of a constant, None where it is none."""
    constant = None if value is None else ir.convenience.get_const_tensor(value)
    return None if constant is None else [int(each) for each in constant.numpy().reshape(-1)]


EMPTY_PARTS = Rule(
    "empty_parts",
    "roll by zero becomes a Concat with an empty Slice, which copies a whole map to join nothing to it",
    lambda: [DropEmptyParts.rule()],
)
WHOLE_SLICE = Rule(
    "whole_slice",
    "the other half of roll by zero is a Slice that takes everything, which copies a map for nothing",
    lambda: [DropWholeSlice.rule()],
)

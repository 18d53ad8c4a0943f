"""Indices that are 64-bit integers by habit: constants, and casts right before they are used."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnxscript import ir
from onnxscript.rewriter import RewriteRuleClassBase

from harness.graph.rules import Rule
from harness.graph.rules.ranges import INT32, bounds, fits_int32

INDEXED = ("Gather", "GatherElements", "ScatterElements")
"""Operators whose second input may be int32 or int64 (ONNX, since opset 1 or 11)."""


class Int32Index(RewriteRuleClassBase):  # type: ignore[misc]
    """The indices of one operator become int32: a constant that fits, or a Cast that is there anyway."""

    def __init__(self, operator: str) -> None:
        super().__init__(name=f"int32_indices_{operator}")
        self.operator = operator

    def pattern(self, op: Any, data: Any, indices: Any) -> Any:
        """The operator with any indices."""
        return getattr(op, self.operator)(data, indices, _allow_other_inputs=True, _outputs=["picked"])

    def check(self, _context: Any, indices: ir.Value, **_values: Any) -> bool:
        """Whether the indices are int64 for no reason."""
        if indices.dtype != ir.DataType.INT64:
            return False
        if ir.convenience.get_const_tensor(indices) is not None:
            return fits_int32(bounds(indices))
        node = indices.producer()
        return node is not None and node.op_type == "Cast"

    def rewrite(self, op: Any, data: ir.Value, indices: ir.Value, picked: ir.Value) -> Any:
        """The operator with int32 indices."""
        node = picked.producer()
        assert node is not None
        rest = node.inputs[2:]
        attributes = dict(node.attributes.items())
        return getattr(op, self.operator)(data, as_int32(op, indices), *rest, **attributes)


class Int32Slice(RewriteRuleClassBase):  # type: ignore[misc]
    """The constant starts, ends, axes and steps of a Slice become int32; an end beyond it means the end there too."""

    def pattern(self, op: Any, data: Any) -> Any:
        """Any Slice."""
        return op.Slice(data, _allow_other_inputs=True, _outputs=["cut"])

    def check(self, _context: Any, data: ir.Value, cut: ir.Value) -> bool:
        """Whether they are int64 and constant."""
        del data
        node = cut.producer()
        places = [] if node is None else [value for value in node.inputs[1:] if value is not None]
        constant = all(ir.convenience.get_const_tensor(value) is not None for value in places)
        return bool(places) and constant and all(value.dtype == ir.DataType.INT64 for value in places)

    def rewrite(self, op: Any, data: ir.Value, cut: ir.Value) -> Any:
        """The Slice with int32 places."""
        node = cut.producer()
        assert node is not None
        return op.Slice(data, *(None if value is None else as_int32(op, value) for value in node.inputs[1:]))


def as_int32(op: Any, value: ir.Value) -> ir.Value:
    """An int64 value as int32: a constant anew (clipped), the source of a Cast instead of its result, else a Cast."""
    constant = ir.convenience.get_const_tensor(value)
    if constant is not None:
        made = op.Constant(value=ir.tensor(np.clip(constant.numpy(), *INT32).astype(np.int32)))
    else:
        node = value.producer()
        source = node.inputs[0] if node is not None and node.op_type == "Cast" else value
        assert source is not None
        if source.dtype == ir.DataType.INT32:
            return source
        made = op.Cast(source, to=ir.DataType.INT32)
    made.type, made.shape = ir.TensorType(ir.DataType.INT32), value.shape
    return made


INT32_INDICES = Rule(
    "int32_indices",
    "an NPU computes int64 on its scalar unit or its host processor, and an index into a tensor fits into 32 bits",
    lambda: [*(Int32Index.rule(operator) for operator in INDEXED), Int32Slice.rule()],
)

"""Arithmetic on 64-bit integers that provably stays within 32 bits and ends in an index, a comparison or a cast."""

from __future__ import annotations

from typing import Any

from onnxscript import ir
from onnxscript.rewriter import RewriteRuleClassBase

from harness.graph.rules import Rule
from harness.graph.rules.indices import INDEXED, as_int32
from harness.graph.rules.ranges import TYPES, bounds, fits_int32

COMPARISONS = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
ARITHMETIC = ("Abs", "Add", "Max", "Min", "Mul", "Neg", "Sub")
"""Operators that ONNX defines for int32 wherever it defines them for int64."""


class Int32Operator(RewriteRuleClassBase):  # type: ignore[misc]
    """One operator computes in int32; its result is cast back for whoever still wants int64, for the next rule."""

    def __init__(self, operator: str) -> None:
        super().__init__(name=f"int32_arithmetic_{operator}")
        self.operator = operator

    def pattern(self, op: Any) -> Any:
        """The operator with any inputs."""
        return getattr(op, self.operator)(_allow_other_inputs=True, _outputs=["result"])

    def check(self, _context: Any, result: ir.Value) -> bool:
        """Whether it computes in int64 what fits into int32, and nobody behind it needs int64."""
        node = result.producer()
        return node is not None and _narrowable(node)

    def rewrite(self, op: Any, result: ir.Value) -> Any:
        """The operator on int32 inputs."""
        node = result.producer()
        assert node is not None
        operands = [as_int32(op, value) for value in node.inputs if value is not None]
        made = getattr(op, self.operator)(*operands, **dict(node.attributes.items()))
        made.shape = result.shape
        if self.operator in COMPARISONS:
            made.type = ir.TensorType(ir.DataType.BOOL)
            return made
        made.type = ir.TensorType(ir.DataType.INT32)
        wide = op.Cast(made, to=ir.DataType.INT64)
        wide.type, wide.shape = ir.TensorType(ir.DataType.INT64), result.shape
        return wide


class OneCast(RewriteRuleClassBase):  # type: ignore[misc]
    """Of two casts of an integer in a row, the first to int64, the second is enough."""

    def pattern(self, op: Any, x: Any) -> Any:
        """A Cast of the result of a Cast."""
        return op.Cast(op.Cast(x, _outputs=["wide"]), _outputs=["result"])

    def check(self, _context: Any, x: ir.Value, wide: ir.Value, result: ir.Value) -> bool:
        """Whether the first one loses nothing and is to int64."""
        return wide.dtype == ir.DataType.INT64 and x.dtype in TYPES and result.dtype is not None

    def rewrite(self, op: Any, x: ir.Value, wide: ir.Value, result: ir.Value) -> Any:
        """The second Cast."""
        del wide
        return op.Identity(x) if x.dtype == result.dtype else op.Cast(x, to=result.dtype)


def _narrowable(node: ir.Node) -> bool:
    """Whether a node computes in int64, could do so in int32, and its result is not needed as int64."""
    values = [value for value in node.inputs if value is not None]
    if node.domain not in {"", "ai.onnx"} or any(value.dtype != ir.DataType.INT64 for value in values):
        return False
    if not all(fits_int32(bounds(value)) for value in values):
        return False
    if node.op_type in COMPARISONS:
        return True
    result = node.outputs[0]
    return node.op_type in ARITHMETIC and fits_int32(bounds(result)) and _absorbed(result)


def _absorbed(value: ir.Value) -> bool:
    """Whether every use of an int64 value takes int32 as well: as an index, in a Cast, or in such arithmetic."""
    if value.is_graph_output():
        return False
    return all(
        use.node.op_type == "Cast" or (use.node.op_type in INDEXED and use.idx == 1) or _narrowable(use.node)
        for use in value.uses()
    )


INT32_ARITHMETIC = Rule(
    "int32_arithmetic",
    "an NPU computes int64 on its scalar unit or its host processor; what provably fits into 32 bits need not go there",
    lambda: [*(Int32Operator.rule(operator) for operator in (*ARITHMETIC, *COMPARISONS)), OneCast.rule()],
)

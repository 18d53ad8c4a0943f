"""Between which bounds the integers of a graph lie, as far as constants, types and static shapes tell."""

from __future__ import annotations

from onnxscript import ir

Bounds = tuple[int, int]
"""Smallest and largest possible value, both included."""

INT32: Bounds = (-(2**31), 2**31 - 1)
TYPES: dict[ir.DataType, Bounds] = {
    ir.DataType.BOOL: (0, 1),
    ir.DataType.UINT8: (0, 2**8 - 1),
    ir.DataType.INT8: (-(2**7), 2**7 - 1),
    ir.DataType.UINT16: (0, 2**16 - 1),
    ir.DataType.INT16: (-(2**15), 2**15 - 1),
    ir.DataType.INT32: INT32,
}
"""What a type alone says."""

MOVES = frozenset({"Identity", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Expand", "Slice", "Gather"})
"""Operators whose results are values of their first input."""

DEEPEST = 16
"""How many operators back is looked."""


def bounds(value: ir.Value | None, depth: int = DEEPEST) -> Bounds | None:
    """The bounds of an integer or boolean value; None where nothing is known."""
    if value is None:
        return None
    constant = ir.convenience.get_const_tensor(value)
    if constant is not None:
        array = constant.numpy()
        return (int(array.min()), int(array.max())) if array.size and array.dtype.kind in "iub" else None
    by_type = TYPES.get(value.dtype) if value.dtype is not None else None
    node = value.producer()
    by_origin = _of_node(node, depth - 1) if node is not None and node.domain in {"", "ai.onnx"} and depth else None
    return by_origin or by_type


def fits_int32(found: Bounds | None) -> bool:
    """Whether all values between the bounds are 32-bit integers."""
    return found is not None and found[0] >= INT32[0] and found[1] <= INT32[1]


def _of_node(node: ir.Node, depth: int) -> Bounds | None:
    """The bounds of a node's first output."""
    inputs = node.inputs
    if node.op_type in MOVES or node.op_type == "Cast":
        source = inputs[0]
        return bounds(source, depth) if source is not None and _whole(source) else None
    if node.op_type in {"ArgMax", "ArgMin"}:
        return _largest_axis(inputs[0])
    found = [bounds(each, depth) for each in inputs]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None
    return _arithmetic(node, known)


def _arithmetic(node: ir.Node, operands: list[Bounds]) -> Bounds | None:
    """Interval arithmetic; None for operators that are not known here."""
    (low, high), *others = operands
    other = others[0] if others else (0, 0)
    if node.op_type in {"Min", "Max"}:
        pick = min if node.op_type == "Min" else max
        return pick(low for low, _ in operands), pick(high for _, high in operands)
    if node.op_type in {"Where", "Concat"}:
        chosen = operands[1:] if node.op_type == "Where" else operands
        return min(low for low, _ in chosen), max(high for _, high in chosen)
    if node.op_type == "Add":
        return low + other[0], high + other[1]
    if node.op_type == "Sub":
        return low - other[1], high - other[0]
    if node.op_type == "Mul":
        products = [a * b for a in (low, high) for b in other]
        return min(products), max(products)
    if node.op_type == "Neg":
        return -high, -low
    if node.op_type == "Abs":
        return (0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))
    return None


def _whole(value: ir.Value) -> bool:
    """Whether the values are integers or booleans; a float's bounds are not looked for."""
    return value.dtype is not None and (value.dtype in TYPES or value.dtype == ir.DataType.INT64)


def _largest_axis(value: ir.Value | None) -> Bounds | None:
    """The places along any axis of a value of static shape."""
    if value is None or value.shape is None or not value.shape.is_static():
        return None
    return 0, max((int(size) for size in value.shape), default=1) - 1

"""How far two arrays that should be equal lie apart: numbers only, whoever computed them.

Works in pieces, so that two outputs of over a gigabyte are compared in little more than their own memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError

CHUNK = 1 << 21
"""Elements compared at a time; in float64 a piece takes 16 MB."""


@dataclass(frozen=True)
class ParityResult:
    """The distance between a reference and a candidate.

    Attributes:
        cosine: cosine of the angle between both as vectors, 1 for equal ones; 0 when only one of them is zero.
        max_abs: largest absolute difference.
        range: largest minus smallest value of the reference.
        argmax_agreement: share of positions at which the largest value stands in the same place; None if not asked.
        finite: whether every value of both is finite; where not, the other figures leave such positions out.
    """

    cosine: float
    max_abs: float
    range: float
    argmax_agreement: float | None
    finite: bool

    @property
    def max_abs_over_range(self) -> float:
        """The largest difference relative to the reference's range; infinite when a constant reference is missed."""
        if self.max_abs == 0:
            return 0.0
        return self.max_abs / self.range if self.range > 0 else math.inf


@dataclass(frozen=True)
class ParityThresholds:
    """What counts as the same; see PEERS.md R14 in the design notes.

    Attributes:
        min_cosine, max_abs_over_range: bounds of the figures of that name.
        min_argmax_agreement: bound where the agreement was asked for.
    """

    min_cosine: float = 0.9999
    max_abs_over_range: float = 1e-3
    min_argmax_agreement: float = 0.995


FRAMEWORK = ParityThresholds()
"""torch against ONNX Runtime in float32: other kernels, other order of sums."""

REWRITTEN = ParityThresholds(max_abs_over_range=1e-5)
"""A graph against its simplified or rewritten form in the same runtime: nearly the same bits."""

HALF = ParityThresholds(min_cosine=0.997, max_abs_over_range=math.inf)
"""float32 against a device's float16: polygraphy's default cosine, and the arg-max where there is one."""


def compare_outputs(reference: NDArray[Any], candidate: NDArray[Any], argmax_axis: int | None = None) -> ParityResult:
    """Compare two real arrays of one shape, in float64.

    Args:
        reference: what is right, of any real or boolean type.
        candidate: of the same shape.
        argmax_axis: also compare where the largest value stands along this axis, such as the class of each pixel.

    Raises:
        HarnessError: the shapes differ.
    """
    if reference.shape != candidate.shape:
        raise HarnessError(f"outputs of shape {list(reference.shape)} and {list(candidate.shape)} cannot be compared")
    sums = np.zeros(3, dtype=np.float64)
    low, high, largest, finite = math.inf, -math.inf, 0.0, True
    flat_reference, flat_candidate = reference.reshape(-1), candidate.reshape(-1)
    for start in range(0, flat_reference.size, CHUNK):
        a = flat_reference[start : start + CHUNK].astype(np.float64)
        b = flat_candidate[start : start + CHUNK].astype(np.float64)
        usable = np.isfinite(a) & np.isfinite(b)
        if not usable.all():
            finite = False
            a, b = a[usable], b[usable]
        if a.size:
            sums += (np.dot(a, b), np.dot(a, a), np.dot(b, b))
            low, high = min(low, float(a.min())), max(high, float(a.max()))
            largest = max(largest, float(np.abs(a - b).max()))
    agreement = None if argmax_axis is None else _argmax_agreement(reference, candidate, argmax_axis)
    return ParityResult(
        cosine=_cosine(*(float(value) for value in sums)),
        max_abs=largest,
        range=high - low if high >= low else 0.0,
        argmax_agreement=agreement,
        finite=finite,
    )


def check(result: ParityResult, thresholds: ParityThresholds) -> str | None:
    """What is wrong, in words and figures; None when nothing is."""
    if not result.finite:
        return "an output holds NaN or infinity"
    if result.cosine < thresholds.min_cosine:
        return f"cosine {result.cosine:.6f}, expected at least {thresholds.min_cosine}"
    if result.max_abs_over_range > thresholds.max_abs_over_range:
        return (
            f"largest difference {result.max_abs_over_range:.1e} of the range, "
            f"expected at most {thresholds.max_abs_over_range:.0e}"
        )
    agreement = result.argmax_agreement
    if agreement is not None and agreement < thresholds.min_argmax_agreement:
        return f"arg-max agrees at {agreement:.2%}, expected at least {thresholds.min_argmax_agreement:.2%}"
    return None


def _cosine(product: float, squares_a: float, squares_b: float) -> float:
    if squares_a == 0 and squares_b == 0:
        return 1.0
    if squares_a == 0 or squares_b == 0:
        return 0.0
    return max(-1.0, min(1.0, product / math.sqrt(squares_a) / math.sqrt(squares_b)))


def _argmax_agreement(reference: NDArray[Any], candidate: NDArray[Any], axis: int) -> float:
    """Share of equal positions, one slice of the leading axis at a time unless that is the axis itself."""
    axis %= reference.ndim
    if axis == 0 or reference.ndim == 1:
        return float(np.mean(reference.argmax(axis) == candidate.argmax(axis)))
    shares = [np.mean(a.argmax(axis - 1) == b.argmax(axis - 1)) for a, b in zip(reference, candidate, strict=True)]
    return float(np.mean(shares)) if shares else 1.0

"""Comparing outputs: figures that NumPy gives in one piece too, and verdicts in words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import HarnessError
from harness.graph import parity
from harness.graph.parity import FRAMEWORK, HALF, REWRITTEN, ParityThresholds, check, compare_outputs

FLOATS = arrays(np.float32, (2, 3, 4), elements=st.floats(-100, 100, width=32))


@given(FLOATS, FLOATS, st.integers(1, 30))
def test_pieces_give_what_the_whole_gives(reference, candidate, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "CHUNK", chunk)
        result = compare_outputs(reference, candidate, 1)
    a, b = reference.astype(np.float64).ravel(), candidate.astype(np.float64).ravel()
    assert result.max_abs == np.abs(a - b).max()
    assert result.range == a.max() - a.min()
    assert result.argmax_agreement == pytest.approx(np.mean(reference.argmax(1) == candidate.argmax(1)))
    norms = math.sqrt(a @ a) * math.sqrt(b @ b)
    if norms > 1e-12:
        assert result.cosine == pytest.approx(a @ b / norms, abs=1e-9)
    assert -1 <= result.cosine <= 1


@given(FLOATS)
def test_equal_arrays_pass_every_threshold(values):
    result = compare_outputs(values, values.copy(), 2)
    assert (result.max_abs, result.max_abs_over_range, result.argmax_agreement) == (0, 0, 1)
    for thresholds in (FRAMEWORK, REWRITTEN, HALF):
        assert check(result, thresholds) is None


def test_shapes_must_agree():
    with pytest.raises(HarnessError, match=r"\[2, 3\] and \[3, 2\]"):
        compare_outputs(np.zeros((2, 3)), np.zeros((3, 2)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["reference", "candidate"])
def test_nan_and_infinity_are_noticed(bad, where):
    good = np.linspace(0, 1, 7, dtype=np.float32)
    broken = good.copy()
    broken[3] = bad
    pair = (broken, good) if where == "reference" else (good, broken)
    result = compare_outputs(*pair)
    assert not result.finite
    assert result.max_abs == 0
    assert check(result, FRAMEWORK) == "an output holds NaN or infinity"


def test_nothing_but_nan_is_no_crash():
    result = compare_outputs(np.full(4, np.nan), np.full(4, np.nan))
    assert not result.finite
    assert result.range == 0


@pytest.mark.parametrize(
    ("reference", "candidate", "cosine", "relative"),
    [
        ([0, 0], [0, 0], 1, 0),
        ([0, 0], [0, 1], 0, math.inf),
        ([2, 2], [2, 2], 1, 0),
        ([1, -1], [-1, 1], -1, 1),
        ([True, False], [True, True], 0.5**0.5, 1),
        ([], [], 1, 0),
    ],
)
def test_corner_cases(reference, candidate, cosine, relative):
    result = compare_outputs(np.array(reference), np.array(candidate))
    assert result.cosine == pytest.approx(cosine)
    assert result.max_abs_over_range == relative


def test_large_sums_do_not_lose_precision():
    reference = np.full(3_000_000, 1e4, np.float32)
    candidate = reference.copy()
    candidate[::2] += 1
    assert compare_outputs(reference, candidate).cosine == pytest.approx(1 - 1.25e-9, abs=1e-11)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_argmax_along_any_axis(axis):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 4, 5, 6))
    expected = np.mean(a.argmax(axis) == b.argmax(axis))
    assert compare_outputs(a, b, axis).argmax_agreement == pytest.approx(expected)


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        (ParityThresholds(min_cosine=0.9999), "cosine 0.966667"),
        (ParityThresholds(min_cosine=0, max_abs_over_range=1e-3), "of the range, expected at most 1e-03"),
        (
            ParityThresholds(min_cosine=0, max_abs_over_range=9, min_argmax_agreement=0.9),
            "arg-max agrees at 50.00%, expected at least 90.00%",
        ),
        (ParityThresholds(min_cosine=0, max_abs_over_range=9, min_argmax_agreement=0.5), None),
    ],
)
def test_verdicts(thresholds, expected):
    reference, candidate = np.array([[1.0, 2.0], [4.0, 3.0]]), np.array([[2.0, 1.0], [4.0, 3.0]])
    verdict = check(compare_outputs(reference, candidate, 1), thresholds)
    assert verdict is None if expected is None else expected in verdict

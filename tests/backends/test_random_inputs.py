"""Random inputs: seeded, in range, of the right type, and never zeros."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends.inputs import random_inputs
from harness.config.model import InputSettings
from harness.errors import ConfigError

FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64"]


def one(seed: int = 0, **fields) -> np.ndarray:
    spec = InputSettings(**{"name": "input", "shape": (2, 3, 64), **fields})
    return random_inputs([spec], seed)["input"]


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_are_standard_normal(dtype):
    values = one(dtype=dtype, shape=(4, 50_000))
    assert values.dtype == dtype
    assert values.flags.c_contiguous
    assert np.isfinite(values).all()
    assert abs(values.astype(np.float64).mean()) < 0.02
    assert values.astype(np.float64).std() == pytest.approx(1, abs=0.02)


def test_same_seed_same_bytes_whatever_the_neighbours():
    first = InputSettings(name="image", shape=(2, 8))
    second = InputSettings(name="mask", shape=(2, 8))
    alone, together = random_inputs([second], 7), random_inputs([first, second], 7)
    assert alone["mask"].tobytes() == together["mask"].tobytes()
    assert together["image"].tobytes() != together["mask"].tobytes()
    assert random_inputs([second], 8)["mask"].tobytes() != alone["mask"].tobytes()


@given(
    dtype=st.sampled_from(FLOATS),
    low=st.floats(-1000, 1000, width=16),
    width=st.floats(0.5, 1000, width=16),
    seed=st.integers(0, 2**32),
)
def test_floats_stay_in_their_range(dtype, low, width, seed):
    values = one(seed, dtype=dtype, low=low, high=low + width)
    assert values.dtype == dtype
    assert (values >= low).all()
    assert (values < low + width).all()


@given(dtype=st.sampled_from(INTEGERS), data=st.data(), seed=st.integers(0, 2**32))
def test_integers_stay_in_their_range(dtype, data, seed):
    limits = np.iinfo(dtype)
    low = data.draw(st.integers(limits.min, limits.max - 1).filter(lambda value: abs(value) < 2**53))
    high = data.draw(st.integers(low + 1, min(limits.max + 1, 2**53)).filter(lambda value: (low, value) != (0, 1)))
    values = one(seed, dtype=dtype, low=low, high=high)
    assert values.dtype == dtype
    assert values.any() or low == 0 == high - 1
    assert low <= values.min()
    assert values.max() < high


@pytest.mark.parametrize(("dtype", "kinds"), [("uint8", 256), ("int8", 256), ("bool", 2)])
def test_bytes_and_flags_have_a_natural_range(dtype, kinds):
    values = one(dtype=dtype, shape=(20_000,))
    assert values.dtype == dtype
    assert len(np.unique(values)) == kinds


def test_a_single_flag_is_never_zero():
    assert all(one(seed, dtype="bool", shape=(1,)).any() for seed in range(20))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dtype": "int64"}, "give low and high"),
        ({"low": 0.0}, "give both or neither"),
        ({"dtype": "int64", "low": 0, "high": 1}, "other than 0"),
        ({"dtype": "int32", "low": 5, "high": 5}, "other than 0"),
        ({"dtype": "uint8", "low": 0, "high": 300}, "other than 0"),
        ({"dtype": "int32", "low": 0.5, "high": 3}, "whole numbers"),
        ({"dtype": "float32", "low": 1, "high": 1}, "no range of float32"),
        ({"dtype": "float32", "low": 1, "high": float("nan")}, "no range of float32"),
        ({"dtype": "float16", "low": 0, "high": 1e9}, "no range of float16"),
        ({"dtype": "float16", "low": 1, "high": 1.0001}, "other than 0"),
        ({"dtype": "float16", "low": 0, "high": 5.9604645e-08}, "other than 0"),
    ],
)
def test_a_useless_range_is_refused_by_name(fields, message):
    with pytest.raises(ConfigError, match=message) as caught:
        one(**fields)
    assert "input input" in str(caught.value)
    assert "\n" not in str(caught.value)

"""Seeded random inputs: the same settings and seed give the same bytes on every machine, and never zeros."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from harness.backends.protocol import Array
from harness.config.model import InputSettings
from harness.errors import ConfigError

BYTE_RANGES = {"uint8": (0, 256), "int8": (-128, 128), "bool": (0, 2)}
"""The range of integers that need none in the settings: every value is a valid pixel or flag."""


def random_inputs(specs: Sequence[InputSettings], seed: int) -> dict[str, Array]:
    """C-contiguous arrays by input name, of the shapes and dtypes of ``specs``.

    Each input has its own stream, PCG64 seeded with (seed, CRC-32 of its name), and does not depend on the others.
    Floats are standard normal, or uniform in [low, high) where both are given; integers are uniform, high exclusive.

    Raises:
        ConfigError: a range is missing, empty, outside the dtype, or holds nothing but 0.
    """
    return {spec.name: _random_input(spec, seed) for spec in specs}


def _random_input(spec: InputSettings, seed: int) -> Array:
    """One input, of ``spec.shape`` and ``spec.dtype``."""
    if (spec.low is None) != (spec.high is None):
        raise ConfigError(f"input {spec.name}: low={spec.low}, high={spec.high}; give both or neither")
    generator = np.random.Generator(np.random.PCG64([seed, zlib.crc32(spec.name.encode())]))
    draw = _floats if np.issubdtype(np.dtype(spec.dtype), np.floating) else _integers
    values = draw(spec, generator)
    while not values.any():  # a handful of small integers can all be 0 by chance
        values = draw(spec, generator)
    return np.ascontiguousarray(values)


def _floats(spec: InputSettings, generator: np.random.Generator) -> Array:
    """Standard normal or uniform floats; float16 is drawn as float32 and rounded."""
    dtype = np.dtype(spec.dtype)
    wide = np.float32 if dtype == np.float16 else dtype.type
    if spec.low is None or spec.high is None:
        return generator.standard_normal(spec.shape, dtype=wide).astype(dtype)
    most = float(np.finfo(dtype).max)
    if not (-most <= spec.low < spec.high <= most and spec.high - spec.low <= most):
        raise ConfigError(f"input {spec.name}: low={spec.low}, high={spec.high} is no range of {spec.dtype}")
    low, high = dtype.type(spec.low), dtype.type(spec.high)
    if low == high or low == np.nextafter(high, low) == 0:
        raise ConfigError(f"input {spec.name}: low={spec.low}, high={spec.high} holds no {spec.dtype} other than 0")
    uniform = spec.low + (spec.high - spec.low) * generator.random(spec.shape)
    # Rounding to the narrower type must not reach the excluded end.
    within: Array = np.clip(uniform.astype(dtype), low, np.nextafter(high, low))
    return within


def _integers(spec: InputSettings, generator: np.random.Generator) -> Array:
    """Uniform integers in [low, high), as the dtype; a bool is an integer in [0, 2)."""
    default = BYTE_RANGES.get(spec.dtype)
    if spec.low is None or spec.high is None:
        if default is None:
            raise ConfigError(f"input {spec.name}: {spec.dtype} has no natural range; give low and high (exclusive)")
        low, high = default
    else:
        low, high = int(spec.low), int(spec.high)
        if (low, high) != (spec.low, spec.high):
            raise ConfigError(f"input {spec.name}: low={spec.low}, high={spec.high}; {spec.dtype} needs whole numbers")
    least, most = default or (int(np.iinfo(spec.dtype).min), int(np.iinfo(spec.dtype).max) + 1)
    if not least <= low < high <= most or (low, high) == (0, 1):
        raise ConfigError(f"input {spec.name}: low={low}, high={high} (exclusive) holds no {spec.dtype} other than 0")
    return generator.integers(low, high, size=spec.shape, dtype=np.int64).astype(spec.dtype)

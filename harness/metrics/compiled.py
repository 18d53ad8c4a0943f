"""One decorator for the hot loops: compiled by numba at the first call, cached on disk, free of the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba  # type: ignore[import-untyped,import-not-found,unused-ignore]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def compiled(function: FunctionT) -> FunctionT:
    """Compile a function of numbers and arrays with numba, without fast-math and without threads of numba's own.

    Nothing is compiled at import. Dividing by 0 gives inf or NaN, as in numpy; checking for it would keep loops
    scalar. ``nogil`` lets ordinary threads run the loops side by side, which, unlike numba's own parallel loops, is
    safe from several threads at once and after a fork.
    """
    return cast("FunctionT", numba.njit(nogil=True, cache=True, error_model="numpy")(function))

"""Large arrays that are used again: memory that was touched before brings no page faults.

The views of a video take 231 MB; asked of the system anew for each video, touching them first took 30 to 600 ms.
"""

from __future__ import annotations

import math
import weakref
from collections import deque

import numpy as np
import numpy.typing as npt


class Buffers:
    """Float32 arrays of one shape. An array's memory is given to another one when nobody holds it or a part of it."""

    def __init__(self, shape: tuple[int, ...], keep: int) -> None:
        """At most ``keep`` unused buffers are kept."""
        self._shape = shape
        self._free: deque[npt.NDArray[np.float32]] = deque(maxlen=keep)

    def take(self) -> npt.NDArray[np.float32]:
        """An array with any content. May be called from several threads."""
        try:
            memory = self._free.pop()
        except IndexError:
            memory = np.empty(math.prod(self._shape), np.float32)
        # Arrays made from this one refer to it, not to ``memory``, because a memoryview stands between: as long as any
        # of them lives, so does it.
        array = np.frombuffer(memory.data, np.float32).reshape(self._shape)
        owner = array.base if isinstance(array.base, np.ndarray) else array
        weakref.finalize(owner, self._free.append, memory).atexit = False
        return array

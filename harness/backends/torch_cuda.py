"""Timing a network on a CUDA GPU: copy in, compute, copy out, each by CUDA events, and all of it by the clock.

Everything is in one stream, so that an event between two steps is passed when the first is done. Host memory is pinned:
the driver copies from it directly, as in TensorRT's trtexec.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from harness.backends.protocol import Array
from harness.timing.samples import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

STEPS = ("h2d", "compute", "d2h")


class Event(Protocol):
    """What of ``torch.cuda.Event(enable_timing=True)`` is used."""

    def record(self) -> None:
        """Be passed when the work given to the stream so far is done."""

    def elapsed_time(self, end: Any) -> float:
        """Milliseconds from this event to a later one, both passed."""


class Cuda:
    """What of ``torch.cuda`` is used on one device; tests bring their own."""

    def __init__(self, index: int) -> None:
        import torch

        self.device = torch.device("cuda", index)

    def current(self) -> AbstractContextManager[Any]:
        """Make the device the one that streams and events belong to."""
        import torch

        return torch.cuda.device(self.device)

    def event(self) -> Event:
        """A new event with a time."""
        import torch

        made: Event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        return made

    def synchronize(self) -> None:
        """Wait until the device has done everything."""
        import torch

        torch.cuda.synchronize(self.device)

    def pinned(self, like: Tensor) -> Tensor:
        """Page-locked host memory for a tensor of that shape and type."""
        import torch

        return torch.empty(like.shape, dtype=like.dtype, pin_memory=True)


class Transfers:
    """One batch through the GPU: calling it copies in, computes, copies out and waits; returns the outputs.

    After each call ``note`` reads its events into ``times_ms``: H2D, compute and D2H, and ``enqueue``, the time that
    the host took to start the network. The outputs are pinned memory that the next call overwrites.
    """

    def __init__(self, cuda: Cuda, forward: Callable[..., Sequence[Tensor]], arrays: Sequence[Array]) -> None:
        import torch

        self._cuda = cuda
        self._forward = forward
        given = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
        self._sources = [cuda.pinned(each).copy_(each) for each in given]
        self._inputs = [torch.empty_like(each, device=cuda.device) for each in given]
        self._results: list[Tensor] = []
        self._events = [cuda.event() for _ in range(len(STEPS) + 1)]
        self._enqueue_s = 0.0
        self.times_ms: dict[str, list[float]] = {name: [] for name in (*STEPS, "enqueue")}

    def __call__(self) -> list[Array]:
        """Run once; raises what torch raises."""
        begin, copied, computed, end = self._events
        begin.record()
        for target, source in zip(self._inputs, self._sources, strict=True):
            target.copy_(source, non_blocking=True)
        copied.record()
        started = time.perf_counter()
        outputs = self._forward(*self._inputs)
        self._enqueue_s = time.perf_counter() - started
        computed.record()
        if not self._results:
            self._results = [self._cuda.pinned(output) for output in outputs]
        for result, output in zip(self._results, outputs, strict=True):
            result.copy_(output, non_blocking=True)
        end.record()
        self._cuda.synchronize()
        return [result.numpy() for result in self._results]

    def note(self) -> None:
        """Read the events of the call that has ended."""
        pairs = zip(STEPS, self._events[:-1], self._events[1:], strict=True)
        for name, before, after in pairs:
            self.times_ms[name].append(before.elapsed_time(after))
        self.times_ms["enqueue"].append(1000 * self._enqueue_s)

    def arrays(self, skipped: int) -> dict[str, FloatArray]:
        """The times by step without the first ``skipped`` calls: float64 arrays in ms."""
        return {name: np.asarray(times[skipped:], dtype=np.float64) for name, times in self.times_ms.items()}

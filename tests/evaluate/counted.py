"""Small data sets and runtimes that need neither files nor a model."""

from __future__ import annotations

import threading

import numpy as np

from harness.datasets.protocol import Item, Prepared, SampleError

NAMES = ("a", "b", "c", "d", "e", "f")


class Counted:
    """Items of the numbers of samples given (None: it cannot be loaded); sample k of item i holds 100 * i + k."""

    name = "counted"
    class_names = NAMES

    def __init__(self, counts):
        self.counts = counts
        self.items = tuple(Item(f"item{index:03d}", index) for index in range(len(counts)))
        self.loads: list[str] = []
        self.lock = threading.Lock()

    def _prepared(self, item, *, pixels):
        count = self.counts[item.index]
        if count is None:
            raise SampleError(f"{item.id}.x is broken")
        values = [np.full((2, 3), 100 * item.index + k, np.float32) for k in range(count)]
        names = tuple(f"{item.id}-{k}.bin" for k in range(count))
        return Prepared(item, names, tuple(values) if pixels else (), item.index % len(NAMES), None)

    def load(self, item):
        with self.lock:
            self.loads.append(item.id)
        return self._prepared(item, pixels=True)

    def outline(self, item):
        return self._prepared(item, pixels=False)

    def problem(self, item):
        return None if self.counts[item.index] is not None else f"{item.id}.x is broken"


class Echo:
    """Scores that follow from the sample and, a little, from its place in the batch; notes what every run was fed."""

    def __init__(self, rows=1, *, fail_at=None):
        self.rows, self.fail_at = rows, fail_at
        self.fed: list[list[float]] = []

    def run(self, inputs):
        if len(self.fed) == self.fail_at:
            raise RuntimeError("killed")
        (batch,) = inputs.values()
        self.fed.append([float(value) for value in batch[:, 0, 0]])
        scores = np.repeat(np.sin(batch[:, 0, :1] + np.arange(len(NAMES))), self.rows, axis=0)
        return [scores + np.repeat(np.arange(len(batch)), self.rows)[:, None] * 1e-3]

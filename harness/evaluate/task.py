"""What one task brings to the loop that all tasks share: how outputs become a prediction, and what is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy.typing as npt

from harness.datasets.protocol import Prepared
from harness.metrics.protocol import Metric

Array = npt.NDArray[Any]
ResultT = TypeVar("ResultT")

Observer = Callable[[Prepared, Any, float], None]
"""Called once for every item in order, with the item, its prediction and its own score."""


class Runtime(Protocol):
    """A loaded model of a static batch size. What ``run`` returns belongs to the caller: no later run writes to it."""

    def run(self, inputs: Mapping[str, Array]) -> Sequence[Array]:
        """Infer one full batch: arrays by input name in, arrays in the model's output order out."""


@dataclass(frozen=True)
class Model:
    """A runtime and what has to be known to feed it. Only the first output is evaluated.

    Its leading axis is the batch, or a multiple of it (12 views a video): each sample gets its equal share of rows.
    """

    runtime: Runtime
    input_name: str
    batch_size: int


@dataclass(frozen=True)
class Task(Generic[ResultT]):
    """``predict`` gets an item's context and its samples' outputs, each (rows of a sample, ...), in the samples' order.

    ``metric`` makes a fresh metric, whose ``update`` takes the item's id, the prediction and the item's truth.
    """

    predict: Callable[[Any, Sequence[Array]], Any]
    metric: Callable[[], Metric[Any, Any, ResultT]]

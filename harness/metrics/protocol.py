"""What a metric is: the small class that the streaming loop updates, saves, restores and merges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import numpy.typing as npt

PredictionT_contra = TypeVar("PredictionT_contra", contravariant=True)
TruthT_contra = TypeVar("TruthT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)

State = Mapping[str, npt.NDArray[Any]]
"""What a metric has counted so far, as plain arrays (numbers and fixed-width text; nothing that needs pickle)."""


class Metric(Protocol[PredictionT_contra, TruthT_contra, ResultT_co]):
    """Counts that are updated item by item. The order of updates and merges never changes the result."""

    def update(self, item_id: str, prediction: PredictionT_contra, truth: TruthT_contra) -> float:
        """Count one item and return the item's own score (higher is better, NaN where it has none)."""

    def merge(self, other: Any) -> None:
        """Add what another metric of the same kind and the same classes has counted; raises ValueError otherwise."""

    def running(self) -> dict[str, float]:
        """The few headline numbers so far, cheap enough to be asked for after every item."""

    def result(self) -> ResultT_co:
        """Everything that can be said of what has been counted so far."""

    def state(self) -> State:
        """What has been counted, as arrays; ``restore`` turns them back into the same counts, bit for bit."""

    def restore(self, state: State) -> None:
        """Replace what has been counted by a saved state; raises ValueError when it belongs to other classes."""

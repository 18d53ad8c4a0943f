"""The score of every single item, kept so that the worst ones can be named."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.metrics.protocol import State


@dataclass(frozen=True)
class ItemScore:
    """One item and its own score (higher is better; NaN where nothing of it could be scored)."""

    item_id: str
    score: float


class ScoreBook:
    """Item scores, in the order in which they came."""

    def __init__(self) -> None:
        self._scores: dict[str, float] = {}

    def add(self, item_id: str, score: float) -> None:
        """Note one item's score; raises ValueError when the item was counted before."""
        if item_id in self._scores:
            raise ValueError(f"item {item_id!r} was counted twice")
        self._scores[item_id] = score

    def merge(self, other: ScoreBook) -> None:
        """Add another book's items; raises ValueError when an item stands in both."""
        for item_id, score in other._scores.items():
            self.add(item_id, score)

    def __len__(self) -> int:
        return len(self._scores)

    def all(self) -> tuple[ItemScore, ...]:
        """Every item's score, sorted by item id: the same tuple for any order of updates and merges."""
        return tuple(ItemScore(item_id, self._scores[item_id]) for item_id in sorted(self._scores))

    def state(self) -> State:
        """Ids as fixed-width text and scores as float64."""
        return {
            "item_ids": np.array(list(self._scores), dtype=np.str_),
            "item_scores": np.array(list(self._scores.values()), dtype=np.float64),
        }

    def restore(self, state: State) -> None:
        """Replace the contents by a saved state."""
        ids, scores = state["item_ids"], state["item_scores"]
        self._scores = {str(item_id): float(score) for item_id, score in zip(ids, scores, strict=True)}


def worst(scores: tuple[ItemScore, ...], top: int = 10) -> list[ItemScore]:
    """The ``top`` items with the lowest scores, lowest first, ties by id; items without a score are left out."""
    scored = [score for score in scores if not math.isnan(score.score)]
    return sorted(scored, key=lambda score: (score.score, score.item_id))[:top]

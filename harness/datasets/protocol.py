"""What a data set is: items that can be loaded one by one, in any thread, and looked at before anything is inferred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

from harness.errors import HarnessError

Array = npt.NDArray[Any]


class SampleError(HarnessError):
    """One item cannot be loaded (missing, empty, truncated, at odds with its annotation); the message says why."""


@dataclass(frozen=True)
class Item:
    """One image or video: ``id`` is unique in its data set, ``index`` its place in the whole of it."""

    id: str
    index: int


@dataclass(frozen=True)
class Prepared:
    """An item ready for the model.

    ``samples`` are what the model takes one of per batch entry (windows of an image: float32 (3, height, width); all
    views of a video: one float32 array), ``names`` what the seed calls their files, ``truth`` is for the metric and
    ``context`` for turning outputs into a prediction.
    """

    item: Item
    names: tuple[str, ...]
    samples: tuple[Array, ...]
    truth: Any
    context: Any


@dataclass(frozen=True)
class BadSample:
    """An item that cannot be used, and why, in words that name the file."""

    item_id: str
    reason: str


class Dataset(Protocol):
    """Methods are called from several threads at once and keep nothing between calls."""

    @property
    def name(self) -> str:
        """How the configuration calls it."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that a prediction can name, in the order of the model's scores."""

    @property
    def items(self) -> Sequence[Item]:
        """All items that take part, in a fixed order."""

    def load(self, item: Item) -> Prepared:
        """Read and prepare one item; raises SampleError when it cannot be used."""

    def outline(self, item: Item) -> Prepared:
        """The same with names but without samples: all that reading output files needs."""

    def problem(self, item: Item) -> str | None:
        """Why the item cannot be used, found without preparing it; None when all is well."""

    def fingerprint(self) -> str:
        """A hash that changes when the items or their content do: kept results belong to it."""

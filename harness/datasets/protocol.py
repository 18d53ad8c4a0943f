"""What a data set is: items that can be loaded one by one, in any thread, and looked at before anything is inferred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

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


class Source(Protocol):
    """Where items and what is known of them come from. Methods are called from several threads at once."""

    @property
    def name(self) -> str:
        """How the configuration calls it."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that a prediction can name, in the order of the model's scores."""

    @property
    def items(self) -> Sequence[Item]:
        """All items that take part, in a fixed order."""

    def problem(self, item: Item) -> str | None:
        """Why the item cannot be used, found without preparing it; None when all is well."""

    def fingerprint(self) -> str:
        """A hash that changes when the items or their content do: kept results belong to it."""


class Dataset(Source, Protocol):
    """A source whose items can be prepared for the model. Its methods keep nothing between calls."""

    def load(self, item: Item) -> Prepared:
        """Read and prepare one item; raises SampleError when it cannot be used."""

    def outline(self, item: Item) -> Prepared:
        """The same with names but without samples: all that reading output files needs."""


S = TypeVar("S", bound=Source)


class Prepares(Generic[S]):
    """What every data set that prepares the items of a source passes on to it."""

    def __init__(self, source: S) -> None:
        self.source = source

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    @property
    def class_names(self) -> tuple[str, ...]:
        """The source's classes."""
        return self.source.class_names

    @property
    def items(self) -> Sequence[Item]:
        """The source's items."""
        return self.source.items

    def problem(self, item: Item) -> str | None:
        """What the source says."""
        return self.source.problem(item)

    def fingerprint(self) -> str:
        """What the source says."""
        return self.source.fingerprint()

"""Packing the samples of several items into full batches, and handing each item its outputs back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harness.datasets.protocol import Item, Prepared, SampleError
from harness.errors import HarnessError
from harness.evaluate.ahead import Loaded
from harness.evaluate.task import Array, Model


@dataclass
class Underway:
    """An item and the outputs that it has so far; one that could not be loaded has a ``problem`` instead."""

    item: Item
    prepared: Prepared | None
    problem: SampleError | None
    outputs: list[Array] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every sample has its output."""
        return self.prepared is None or len(self.outputs) == len(self.prepared.names)

    def detach(self) -> None:
        """Copy the outputs, so that they do not keep the whole batches alive that they are part of."""
        self.outputs = [output.copy() if _is_part(output) else output for output in self.outputs]


def _is_part(output: Array) -> bool:
    whole = output.base
    return isinstance(whole, np.ndarray) and whole.nbytes > output.nbytes


@dataclass(frozen=True)
class Lead:
    """The end of what an interrupted run had counted: its last ``items``, without their first ``drop`` samples.

    Running these samples once more puts the next ones into the very batches that they would have been in without the
    interruption, so that even a runtime whose results depend on a sample's place in the batch ends with the same bits.
    """

    items: int = 0
    drop: int = 0


def lead_of(sample_counts: Sequence[int], batch_size: int) -> Lead:
    """The lead that belongs to items with these numbers of samples, all of them counted."""
    open_places = sum(sample_counts) % batch_size
    items = found = 0
    while found < open_places:
        items += 1
        found += sample_counts[-items]
    return Lead(items, found - open_places)


def infer(
    model: Model, loaded: Iterable[Loaded], lead: Lead | None = None
) -> Iterator[tuple[list[Underway], list[Underway]]]:
    """Run all samples in full batches; yields after every run the items that are complete, in order, and the others.

    The first ``lead.items`` of ``loaded`` are run and forgotten. The last batch is filled with copies of its first
    sample, as ais_bench does, and what comes out for them is dropped. Samples are given up as soon as they have run.
    Raises HarnessError when a sample or an output has an impossible shape.
    """
    lead = lead or Lead()
    drop = lead.drop
    underway: deque[Underway] = deque()
    batch: list[Array] = []
    owners: list[Underway | None] = []
    feeder = _Feeder(model)

    def advance() -> tuple[list[Underway], list[Underway]]:
        for owner, output in zip(owners, feeder.run(batch) if batch else (), strict=True):
            if owner is not None:
                owner.outputs.append(output)
        batch.clear()
        owners.clear()
        complete = []
        while underway and underway[0].complete:
            complete.append(underway.popleft())
        return complete, list(underway)

    for number, ready in enumerate(loaded):
        samples = ready.value.samples if ready.value else ()
        owner = None
        if number < lead.items:
            samples, drop = samples[drop:], max(drop - len(samples), 0)
        else:
            prepared = replace(ready.value, samples=()) if ready.value else None
            owner = Underway(ready.item, prepared, ready.problem)
            underway.append(owner)
        del ready
        for sample in samples:
            batch.append(sample)
            owners.append(owner)
            if len(batch) == model.batch_size:
                yield advance()
    if underway:
        yield advance()


class _Feeder:
    """Turns lists of samples into full batches, in one array that is used again and again."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._batch: Array | None = None

    def run(self, samples: Sequence[Array]) -> list[Array]:
        """One run; the outputs of the samples given, each with its share of the leading axis."""
        size = self._model.batch_size
        output = self._model.runtime.run({self._model.input_name: self._filled(samples)})[0]
        rows, rest = divmod(len(output), size) if output.ndim else (0, 1)
        if rest or not rows:
            raise HarnessError(
                f"the model's output has shape {output.shape}: its first axis is no multiple of the batch size {size}"
            )
        return [output[place * rows : (place + 1) * rows] for place in range(len(samples))]

    def _filled(self, samples: Sequence[Array]) -> Array:
        size = self._model.batch_size
        if size == 1:
            return samples[0][None]
        if self._batch is None:
            self._batch = np.empty((size, *samples[0].shape), samples[0].dtype)
        for place in range(size):
            sample = samples[place] if place < len(samples) else samples[0]
            if sample.shape != self._batch.shape[1:]:
                raise HarnessError(f"a sample has shape {sample.shape}, expected {self._batch.shape[1:]} as the others")
            self._batch[place] = sample
        return self._batch

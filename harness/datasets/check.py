"""Looking at every item before anything is inferred, and what happens when some cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from harness.datasets.protocol import BadSample, Dataset, Item, SampleError
from harness.datasets.text import printable
from harness.errors import HarnessError

OnBadSample = Literal["stop", "skip"]


class BadSamplesError(HarnessError):
    """Items that cannot be used were found and the run was told to stop; ``samples`` lists all of them."""

    def __init__(self, dataset: str, samples: Sequence[BadSample], total: int) -> None:
        self.samples = tuple(samples)
        listed = "; ".join(printable(f"{sample.item_id}: {sample.reason}") for sample in samples)
        super().__init__(
            f"{len(samples)} of {total} samples of {dataset} cannot be used: {listed}; "
            "repair or remove them, or leave them out with dataset.on_bad_sample=skip"
        )


def stop_at(item: Item, problem: SampleError) -> SampleError:
    """The one-line error that ends a run at an item which broke after it had been looked at."""
    return SampleError(printable(f"{item.id}: {problem}; repair it or leave it out with dataset.on_bad_sample=skip"))


def find_bad(dataset: Dataset, items: Sequence[Item], workers: int = 2) -> list[BadSample]:
    """Every item that cannot be used, in the items' order; ``workers`` threads, each holding one item at a time."""
    with ThreadPoolExecutor(workers, thread_name_prefix="check") as pool:
        reasons = pool.map(dataset.problem, items)
        return [BadSample(item.id, why) for item, why in zip(items, reasons, strict=True) if why is not None]


def usable(
    dataset: Dataset, on_bad_sample: OnBadSample = "stop", workers: int = 2
) -> tuple[tuple[Item, ...], tuple[BadSample, ...]]:
    """The items that can be evaluated, and those that are left out.

    Raises BadSamplesError, naming all of them, when there are bad ones and ``on_bad_sample`` is ``stop``, or when
    nothing is left.
    """
    items = dataset.items
    bad = find_bad(dataset, items, workers)
    if bad and (on_bad_sample == "stop" or len(bad) == len(items)):
        raise BadSamplesError(dataset.name, bad, len(items))
    left_out = {sample.item_id for sample in bad}
    return tuple(item for item in items if item.id not in left_out), tuple(bad)

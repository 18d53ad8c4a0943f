"""The streaming evaluation: prepare ahead, infer full batches, count behind; on one device or on several at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

from harness.datasets.protocol import Dataset, Item
from harness.evaluate.accumulate import Accumulator, Evaluation, Settings, combined
from harness.evaluate.ahead import ahead
from harness.evaluate.batches import Lead, Underway, infer, lead_of
from harness.evaluate.progress import shared_progress
from harness.evaluate.task import Model, ResultT, Task


def evaluate(
    dataset: Dataset, items: Sequence[Item], models: Sequence[Model], task: Task[ResultT], settings: Settings
) -> Evaluation[ResultT]:
    """Evaluate every item once and return what the metric says.

    With several models each takes every n-th item and keeps a state file of its own. While a batch is inferred, the
    next items are prepared and the previous batch is counted; outputs are given up as soon as they are counted. After
    a kill the same call goes on and ends with the same bits. Raises what preparing, inferring or counting raises; the
    state is saved first.
    """
    if len(models) == 1:
        return _run(dataset, items, models[0], task, settings, stop=threading.Event()).evaluation()
    stop = threading.Event()
    with ThreadPoolExecutor(len(models), thread_name_prefix="device") as pool:
        try:
            shards = [
                pool.submit(_run, dataset, items[number :: len(models)], model, task, shard, stop=stop)
                for number, (model, shard) in enumerate(
                    zip(models, _shards(settings, len(items), len(models)), strict=True)
                )
            ]
            return combined([shard.result() for shard in shards])
        finally:
            stop.set()


def _shards(settings: Settings, items: int, count: int) -> list[Settings]:
    reports = shared_progress(settings.progress, [len(range(number, items, count)) for number in range(count)])
    states = [
        settings.state.with_name(f"{settings.state.stem}-{number}of{count}{settings.state.suffix}")
        if settings.state
        else None
        for number in range(count)
    ]
    return [replace(settings, state=state, progress=report) for state, report in zip(states, reports, strict=True)]


def _run(
    dataset: Dataset,
    items: Sequence[Item],
    model: Model,
    task: Task[ResultT],
    settings: Settings,
    *,
    stop: threading.Event,
) -> Accumulator[ResultT]:
    """One model's part; returns early, its state saved, when ``stop`` is set by another part's failure."""
    counted = Accumulator(task, items, model.batch_size, settings)
    done = len(counted.sample_counts)
    lead = lead_of(counted.sample_counts, model.batch_size) if done < len(items) else Lead()
    todo = items[done - lead.items :]
    pending: Future[None] | None = None
    try:
        with (
            ThreadPoolExecutor(1, thread_name_prefix="count") as counting,
            closing(ahead(dataset.load, todo, workers=settings.workers, waiting=settings.waiting)) as loaded,
        ):
            for complete, others in infer(model, loaded, lead):
                if pending is not None:
                    pending.result()
                if stop.is_set():
                    break
                pending = counting.submit(_count, counted, complete, others)
                # The job holds the only references: outputs must not outlive their counting.
                del complete, others
            if pending is not None:
                pending.result()
    except BaseException:
        stop.set()
        raise
    finally:
        counted.save()
    return counted


def _count(counted: Accumulator[ResultT], complete: list[Underway], others: list[Underway]) -> None:
    while complete:
        one = complete.pop(0)
        if one.prepared is not None:
            counted.count(one.prepared, one.outputs)
            one.outputs.clear()
        elif one.problem is not None:
            counted.leave_out(one.item, one.problem)
    for one in others:
        one.detach()

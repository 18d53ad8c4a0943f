"""The largest batch that runs: doubling until one does not, then bisection; what a try is, and the settings it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.config.schema import Settings
from harness.records.schema import MaxBatch, Outcome, Try


def search(first: int, outcome: Outcome, cap: int, attempt: Callable[[int], Outcome]) -> MaxBatch:
    """Find the largest batch that runs, up to ``cap``, from the batch that was measured and how that ended.

    ``attempt`` tries a batch; each is tried once. What runs at a batch is taken to run at every smaller one.
    """
    tries = {first: outcome}
    low, high = (first, None) if outcome.status == "ok" else (0, first)
    while high is None and low < cap:
        batch = min(2 * low, cap)
        tries[batch] = attempt(batch)
        low, high = (batch, None) if tries[batch].status == "ok" else (low, batch)
    while high is not None and high - low > 1:
        batch = (low + high) // 2
        tries[batch] = attempt(batch)
        low, high = (batch, high) if tries[batch].status == "ok" else (low, batch)
    return MaxBatch(
        batchsize=low or None,
        limit="cap" if high is None else tries[high].status,
        tries=tuple(Try(batch, tries[batch]) for batch in sorted(tries)),
    )


def at_batch(settings: Settings, batchsize: int) -> Settings:
    """The settings of a try at another batch: one short measurement of the same model, and nothing besides.

    The batch is the first axis of every input that has the cell's own batch there.
    """
    model = settings.model
    inputs = tuple(
        replace(each, shape=(batchsize, *each.shape[1:])) if each.shape[:1] == (settings.batchsize,) else each
        for each in model.inputs
    )
    measure = replace(
        settings.measure,
        rounds=1,
        warmup_iterations=0,
        warmup_s=0,
        settle_s=0,
        min_iterations=settings.measure.floor_iterations,
        min_time_s=0,
        telemetry=False,
        audit=False,
        target_halfwidth=None,
        idle_policy="off",
    )
    return replace(
        settings,
        batchsize=batchsize,
        model=replace(model, inputs=inputs),
        measure=measure,
        parity=replace(settings.parity, enabled=False),
        evaluate=replace(settings.evaluate, enabled=False),
        find_max_batch=False,
    )

"""The bare measured loop: call, read the clock, call again. Nothing else happens between two calls."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from harness.config.schema import MeasureSettings
from harness.timing.processor import ProcessorTime, processor_time
from harness.timing.samples import FloatArray, Samples
from harness.timing.sketch import Sketch, sketch
from harness.timing.steady import Settling

Clock = Callable[[], int]

RECENT = 31
"""How many of the latest iterations predict the next one: enough for a median, and a bounded cost."""
AUDITED = 2
"""How many of the timed calls have their results looked at."""
SETTLE_SHARE = 1 / 3
"""The share of the budget that looking for the steady state may take."""


class Timing(NamedTuple):
    """What ``time_calls`` saw: float64 arrays of shape (iterations,) in ms, and what the timed part took.

    ``warmup_ms`` starts with the first call ever; without warm-up it is empty and ``times_ms`` starts with it.
    ``steady``: whether the device had settled when timing began, None where that was not looked for or could not be
    told. The timed part began at ``began_s`` (``time.monotonic``) and took ``window_s`` by the wall clock.
    """

    warmup_ms: FloatArray
    times_ms: FloatArray
    window_s: float
    warmup_s: float
    steady: bool | None
    began_s: float
    spent: ProcessorTime
    sketches: tuple[Sketch, ...] = ()

    def samples(self, *boundaries: str, load_s: float) -> Samples:
        """The same as a backend returns it, under the boundaries that these times stand for."""
        return Samples(
            dict.fromkeys(boundaries, self.times_ms),
            self.warmup_ms,
            load_s,
            self.window_s,
            warmup_s=self.warmup_s,
            steady=self.steady,
            began_s=self.began_s,
            spent=self.spent,
            sketches=self.sketches,
        )


def time_calls(
    call: Callable[[], object],
    profile: MeasureSettings,
    clock_ns: Clock = time.perf_counter_ns,
    after: Callable[[], None] | None = None,
) -> Timing:
    """Warm up, then time ``call`` until the profile's minima hold or its budget is spent.

    Warm-up lasts until ``warmup_iterations`` and ``warmup_s`` are both reached, then until the device is steady
    (``harness.timing.steady``) or ``settle_s`` or a third of the budget are over; but it stops early rather than eat
    the budget of the ``floor_iterations`` timed ones. Timing lasts until ``min_iterations`` and ``min_time_s`` are both
    reached, or the median of the latest iterations says that one more would overrun ``budget_s`` (from the start of
    warm-up), but for ``floor_iterations`` at least. The result of a call is freed after its time is taken. Garbage
    collection is off meanwhile. What ``call`` raises passes through.

    ``after`` runs between every call and the next, untimed: for a device's own clock, read when the work is done.

    With ``profile.audit`` a sketch is taken of the results of ``AUDITED`` timed calls, picked at random, between calls.
    """
    sketches: list[Sketch] = []
    picked = random.sample(range(profile.floor_iterations), k=min(AUDITED, profile.floor_iterations))

    def look(count: int, result: object) -> None:
        taken = sketch(result) if count in picked else None
        if taken is not None:
            sketches.append(taken)

    with _collector_off():
        deadline_ns = clock_ns() + _nanoseconds(profile.budget_s)
        warmup, warmup_ns = _repeat(
            call,
            clock_ns,
            enough=profile.warmup_iterations,
            enough_ns=_nanoseconds(profile.warmup_s),
            floor=min(1, profile.warmup_iterations),
            reserve=profile.floor_iterations,
            deadline_ns=deadline_ns,
            after=after,
        )
        settling = Settling()
        if profile.settle_s:
            more, more_ns = _repeat(
                call,
                clock_ns,
                enough=0,
                enough_ns=_nanoseconds(min(profile.settle_s, SETTLE_SHARE * profile.budget_s)),
                floor=0,
                reserve=profile.floor_iterations,
                deadline_ns=deadline_ns,
                before=warmup,
                done=settling.add,
                after=after,
            )
            warmup, warmup_ns = warmup + more, warmup_ns + more_ns
        began_s, before = time.monotonic(), processor_time()
        times, window_ns = _repeat(
            call,
            clock_ns,
            enough=max(profile.min_iterations, profile.floor_iterations),
            enough_ns=_nanoseconds(profile.min_time_s),
            floor=profile.floor_iterations,
            reserve=0,
            deadline_ns=deadline_ns,
            look=look if profile.audit else None,
            after=after,
        )
        spent = processor_time().since(before)
    return Timing(
        _milliseconds(warmup),
        _milliseconds(times),
        window_ns / 1e9,
        warmup_ns / 1e9,
        settling.steady,
        began_s,
        spent,
        tuple(sketches),
    )


def _repeat(
    call: Callable[[], object],
    clock_ns: Clock,
    *,
    enough: int,
    enough_ns: int,
    floor: int,
    reserve: int,
    deadline_ns: int,
    before: Sequence[int] = (),
    done: Callable[[int], bool] | None = None,
    look: Callable[[int, object], None] | None = None,
    after: Callable[[], None] | None = None,
) -> tuple[list[int], int]:
    """Time ``call`` until ``enough`` iterations and ``enough_ns`` have passed: the times and the wall time, in ns.

    Stops before that when ``done`` says so of an iteration's time, or when, after ``floor`` iterations, one more and
    ``reserve`` others are not expected to fit; ``before`` are times to expect from. ``look`` gets each call's
    number, from 0, and result.
    """
    times: list[int] = []
    append = times.append
    ahead = 1 + reserve
    count = 0
    longest = max(before, default=0)
    began = now = clock_ns()
    while count < enough or now - began < enough_ns:
        # Where even the longest iteration so far would fit, the median need not be taken: most gaps stay bare.
        if (
            count >= floor
            and now + ahead * longest > deadline_ns
            and now + ahead * statistics.median(times[-RECENT:] or before[-RECENT:]) > deadline_ns
        ):
            break
        start = clock_ns()
        result = call()
        now = clock_ns()
        if look is not None:
            look(count, result)
        if after is not None:
            after()
        del result
        taken = now - start
        append(taken)
        count += 1
        longest = max(longest, taken)
        if done is not None and done(taken):
            break
    return times, now - began


@contextmanager
def _collector_off() -> Iterator[None]:
    """Collect garbage once, then keep the collector off until the block ends; leaves it as it was found."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _nanoseconds(seconds: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(seconds * 1e9)


def _milliseconds(times_ns: list[int]) -> FloatArray:
    """Nanoseconds as a float64 array of milliseconds."""
    return np.asarray(times_ns, dtype=np.float64) / 1e6

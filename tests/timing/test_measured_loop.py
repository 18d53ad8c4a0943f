"""The measured loop under a clock that only moves when something is called."""

from __future__ import annotations

import gc
import weakref
from itertools import chain, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.config.schema import MeasureSettings
from harness.timing.loop import time_calls

MS = 1_000_000


class FakeMachine:
    """A call that takes the given durations, the last one for ever, and the clock that sees only that."""

    def __init__(self, *durations_ms: float):
        self.now_ns = 12_345
        self.calls = 0
        self._durations = chain(durations_ms, repeat(durations_ms[-1]))

    def call(self) -> None:
        self.calls += 1
        self.now_ns += round(next(self._durations) * MS)

    def clock_ns(self) -> int:
        return self.now_ns


def profile(**changes: float) -> MeasureSettings:
    values = {
        "name": "test",
        "rounds": 1,
        "warmup_iterations": 1,
        "warmup_s": 0.0,
        "min_iterations": 5,
        "min_time_s": 0.0,
        "budget_s": 1000.0,
        "floor_iterations": 2,
    }
    return MeasureSettings(**{**values, **changes})


def measure(machine: FakeMachine, **changes: float):
    return time_calls(machine.call, profile(**changes), machine.clock_ns)


def test_times_are_those_of_the_calls_and_the_first_is_kept_apart():
    machine = FakeMachine(90, 1, 2, 3, 4, 5)
    timing = measure(machine, warmup_iterations=1, min_iterations=5)
    assert timing.warmup_ms.tolist() == [90]
    assert timing.times_ms.tolist() == [1, 2, 3, 4, 5]
    assert timing.window_s == pytest.approx(0.015)
    assert machine.calls == 6


def test_without_warmup_the_first_call_is_timed():
    timing = measure(FakeMachine(90, 1), warmup_iterations=0, min_iterations=3)
    assert timing.warmup_ms.size == 0
    assert timing.times_ms.tolist() == [90, 1, 1]


def test_warmup_lasts_until_both_its_count_and_its_time_hold():
    by_time = measure(FakeMachine(100), warmup_iterations=3, warmup_s=1.0)
    by_count = measure(FakeMachine(100), warmup_iterations=20, warmup_s=1.0)
    time_alone = measure(FakeMachine(100), warmup_iterations=0, warmup_s=1.0)
    assert (by_time.warmup_ms.size, by_count.warmup_ms.size, time_alone.warmup_ms.size) == (10, 20, 10)


def test_timing_lasts_until_both_its_count_and_its_time_hold():
    by_time = measure(FakeMachine(100), min_iterations=5, min_time_s=2.0)
    by_count = measure(FakeMachine(100), min_iterations=50, min_time_s=2.0)
    assert (by_time.times_ms.size, by_count.times_ms.size) == (20, 50)


def test_the_budget_wins_over_the_minima():
    # One warm-up of 1 s leaves 9 of 10 s: nine iterations fit, a tenth would not.
    timing = measure(FakeMachine(1000), min_iterations=100, min_time_s=60, budget_s=10)
    assert timing.times_ms.size == 9


def test_the_floor_wins_over_the_budget():
    # swin98 at batch 8: 25 s an iteration against the 30 s of `smoke`.
    timing = measure(FakeMachine(25_000), warmup_iterations=1, budget_s=30, floor_iterations=2)
    assert (timing.warmup_ms.size, timing.times_ms.size) == (1, 2)


def test_warmup_leaves_the_floor_its_share_of_the_budget():
    # 10 s a call, 60 s: three timed ones need 30, so three of the ten warm-up calls run.
    timing = measure(FakeMachine(10_000), warmup_iterations=10, budget_s=60, floor_iterations=3, min_iterations=3)
    assert (timing.warmup_ms.size, timing.times_ms.size) == (3, 3)


def test_one_slow_call_does_not_end_the_measurement():
    # After 1 s + 4 s of 10 s the longest call would not fit twice, but the median says that 50 more do.
    timing = measure(FakeMachine(1000, 100, 4000, 100), min_iterations=1000, budget_s=10)
    assert timing.times_ms.sum() == pytest.approx(9000, abs=100)


@settings(max_examples=50)
@given(
    durations=st.lists(st.floats(50, 5000), min_size=1, max_size=12),
    warmup_iterations=st.integers(0, 5),
    warmup_s=st.floats(0, 3),
    min_iterations=st.integers(1, 40),
    min_time_s=st.floats(0, 3),
    budget_s=st.floats(0.01, 20),
    floor_iterations=st.integers(2, 6),
)
def test_every_profile_is_kept(durations, **changes):
    machine = FakeMachine(*durations, 200)
    begin = machine.now_ns
    timing = measure(machine, **changes)
    assert timing.times_ms.size >= changes["floor_iterations"]
    assert machine.calls == timing.warmup_ms.size + timing.times_ms.size
    assert timing.window_s * 1000 == pytest.approx(timing.times_ms.sum(), rel=1e-6)
    if changes["warmup_iterations"]:
        assert timing.warmup_ms.size >= 1
    complete = (
        timing.warmup_ms.size >= changes["warmup_iterations"]
        and timing.warmup_ms.sum() >= changes["warmup_s"] * 1000 - 1e-3
        and timing.times_ms.size >= changes["min_iterations"]
        and timing.times_ms.sum() >= changes["min_time_s"] * 1000 - 1e-3
    )
    spent_s = (machine.now_ns - begin) / 1e9
    worst = max(*durations, 200) / 1000
    # Either the profile is fulfilled, or the budget is used up but for what one more call could take.
    assert complete or spent_s + (1 + changes["floor_iterations"]) * worst >= changes["budget_s"]


def test_garbage_collection_is_off_inside_and_restored_after():
    seen = []
    time_calls(lambda: seen.append(gc.isenabled()), profile(), FakeMachine(1).clock_ns)
    assert seen
    assert not any(seen)
    assert gc.isenabled()


def test_garbage_collection_is_restored_after_a_failure_and_left_off_where_it_was_off():
    def fail() -> None:
        raise RuntimeError("device lost")

    with pytest.raises(RuntimeError, match="device lost"):
        time_calls(fail, profile())
    assert gc.isenabled()
    gc.disable()
    try:
        time_calls(lambda: None, profile())
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_result_is_freed_before_the_next_call():
    """Two outputs of a segmentation network at batch 8 are 2.5 GB: only one may live at a time."""

    class Output:
        pass

    alive: list[weakref.ref[Output]] = []

    def call() -> Output:
        assert not any(output() for output in alive)
        result = Output()
        alive.append(weakref.ref(result))
        return result

    assert time_calls(call, profile()).times_ms.size == 5


def test_a_devices_own_clock_is_read_after_every_call_and_never_timed() -> None:
    now, order = [0], []

    def call() -> None:
        order.append("call")
        now[0] += 1_000_000

    def after() -> None:
        order.append("after")
        now[0] += 500_000_000

    profile = MeasureSettings(
        name="few", rounds=1, warmup_iterations=2, warmup_s=0, min_iterations=3, min_time_s=0, budget_s=60
    )
    timing = time_calls(call, profile, clock_ns=lambda: now[0], after=after)
    assert order == ["call", "after"] * 5
    assert timing.warmup_ms.tolist() == [1.0] * 2
    assert timing.times_ms.tolist() == [1.0] * 3

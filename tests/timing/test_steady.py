"""Warm-up until steady: when a series counts as settled, and what the loop does with it under a fake clock."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.timing.steady import Settling, steady_at_end, turns
from tests.timing.test_measured_loop import FakeMachine, measure


def settled_after(times_ms: list[float]) -> int | None:
    """The number of iterations after which the series counts as steady."""
    settling = Settling()
    return next((number for number, time in enumerate(times_ms, 1) if settling.add(round(time * 1e6))), None)


def wobble(level: float, count: int, share: float = 0.01) -> list[float]:
    return [level * (1 + share * (-1) ** number) for number in range(count)]


def test_a_level_series_is_steady_after_three_windows() -> None:
    # 20 ms each: a window takes 25 iterations to last half a second; three of them are 75.
    assert settled_after(wobble(20, 200)) == pytest.approx(75, abs=2)
    # 100 ms each: ten iterations are a window.
    assert settled_after(wobble(100, 200)) == 30


def test_a_falling_series_settles_only_where_it_is_level() -> None:
    falling = [100 * 0.97**number for number in range(40)]
    assert settled_after(falling) is None
    found = settled_after(falling + wobble(falling[-1], 200))
    assert found is not None
    assert found > 60


def test_a_smooth_drift_below_the_tolerance_is_no_steady_state_without_turns() -> None:
    assert settled_after([100 * 0.9995**number for number in range(60)]) is None


@given(st.lists(st.floats(1, 1000), max_size=40))
def test_turns_are_those_of_the_sign_of_the_steps(values: list[float]) -> None:
    steps = [after > before for before, after in itertools.pairwise(values) if after != before]
    assert turns(values) == sum(one != other for one, other in itertools.pairwise(steps))


def test_the_loop_warms_up_until_steady_and_says_so() -> None:
    machine = FakeMachine(900, *[100 * 0.97**number for number in range(40)], *wobble(30, 4000))
    timing = measure(machine, settle_s=60, min_iterations=5)
    assert timing.steady is True
    assert timing.warmup_ms[0] == 900
    assert timing.warmup_ms[-10:].max() < 32
    assert timing.warmup_s == pytest.approx(timing.warmup_ms.sum() / 1000)


def test_a_device_that_never_settles_is_timed_all_the_same() -> None:
    noise = random.Random(1)
    machine = FakeMachine(*(100 * noise.uniform(0.5, 2) for _ in range(3000)))
    timing = measure(machine, settle_s=20, min_iterations=5)
    assert timing.steady is False
    assert timing.warmup_s == pytest.approx(20, abs=0.5)
    assert timing.times_ms.size == 5


def test_settling_takes_a_third_of_the_budget_and_leaves_the_floor_its_share() -> None:
    noise = random.Random(1)
    machine = FakeMachine(*(1000 * noise.uniform(0.5, 1.5) for _ in range(100)))
    timing = measure(machine, settle_s=60, budget_s=30, min_iterations=50)
    assert timing.warmup_s == pytest.approx(11, abs=2)
    slow = measure(FakeMachine(10_000), settle_s=60, budget_s=60, floor_iterations=3, min_iterations=3)
    assert (slow.warmup_ms.size, slow.times_ms.size, slow.steady) == (3, 3, None)


def test_without_settle_s_nothing_is_looked_for() -> None:
    timing = measure(FakeMachine(100), settle_s=0, warmup_iterations=1)
    assert (timing.warmup_ms.size, timing.steady) == (1, None)


def test_a_series_alone_tells_whether_it_settled() -> None:
    assert steady_at_end([100 * 0.97**number for number in range(40)] + wobble(30, 100)) is True
    assert steady_at_end([100 * 0.99**number for number in range(80)]) is False
    assert steady_at_end(wobble(100, 29)) is None

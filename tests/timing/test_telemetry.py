"""Telemetry as numbers: energy against an exact integral, throttled spans, and the iterations that they touch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from harness.timing.telemetry import Series, energy, summary, throttled_spans, untouched


def series(times: list[float], reasons: list[str] | None = None, **columns: list[float]) -> Series:
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    return Series({"time_s": np.asarray(times, dtype=np.float64), **arrays}, reasons or [""] * len(times))


@given(
    watts=st.lists(st.floats(0, 500), min_size=3, max_size=20),
    cut=st.tuples(st.floats(0.01, 0.49), st.floats(0.51, 0.99)),
)
def test_energy_is_the_integral_of_the_line_through_the_readings(watts: list[float], cut: tuple[float, float]) -> None:
    times = [0.5 * index for index in range(len(watts))]
    window = (cut[0] * times[-1], cut[1] * times[-1])
    found = energy(series(times, power_w=watts), window, (-2.0, -1.0))
    assert found is not None
    fine = np.unique(np.concatenate([np.linspace(*window, 1001), [t for t in times if window[0] < t < window[1]]]))
    assert found.energy_j == pytest.approx(float(integrate.trapezoid(np.interp(fine, times, watts), fine)), abs=1e-6)
    assert found.idle_w is None


def test_the_share_at_rest_is_shown() -> None:
    times = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    found = energy(series(times, power_w=[20, 20, 20, 60, 60, 60]), (3.0, 5.0), (0.0, 2.0))
    assert found is not None
    assert (found.energy_j, found.mean_w, found.idle_w) == (120, 60, 20)
    assert found.idle_share == pytest.approx(1 / 3)


@pytest.mark.parametrize("watts", [[float("nan")] * 4, [5, float("nan"), float("nan"), float("nan")]])
def test_power_that_is_not_told_gives_no_energy(watts: list[float]) -> None:
    assert energy(series([0, 1, 2, 3], power_w=watts), (0.5, 2.5), (0, 0)) is None


def test_a_window_beyond_the_readings_has_no_energy() -> None:
    assert energy(series([0, 1, 2], power_w=[1, 1, 1]), (0.5, 2.5), (0, 0)) is None


def test_means_and_peaks_are_those_of_the_window_and_absent_stays_absent() -> None:
    seen = series([0, 1, 2, 3], temperature_c=[90, 50, 60, 95], power_w=[float("nan")] * 4)
    assert summary(seen, (0.5, 2.5)) == {"temperature_c": {"mean": 55, "peak": 60}}


def test_a_low_clock_and_a_named_reason_are_throttling() -> None:
    times = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    clock = series(times, clock_mhz=[1000, 1000, 700, 700, 1000, 1000], nominal_mhz=[1000] * 6)
    assert throttled_spans(clock, (0.0, 5.0)) == ((1.5, 3.5),)
    assert throttled_spans(clock, (0.0, 2.0)) == ((1.5, 2.0),)
    named = series(times, reasons=["", "thermal", "", "", "", "power"])
    assert throttled_spans(named, (0.0, 5.0)) == ((0.5, 1.5), (4.5, 5.0))
    assert throttled_spans(series(times, clock_mhz=[100] * 6), (0.0, 5.0)) == ()
    limited = series(times, reasons=["sw_power_cap"] * 5 + ["hw_slowdown+sw_power_cap"])
    assert throttled_spans(limited, (0.0, 5.0)) == ((4.5, 5.0),), "a GPU's power limit is part of it"


def test_iterations_that_touch_a_span_are_left_out_and_no_others() -> None:
    times = np.full(10, 1000.0)  # back to back from 0 to 10 s
    mask = untouched(times, (0.0, 10.0), ((2.5, 4.0), (9.9, 10.0)))
    assert mask.tolist() == [True, True, False, False, True, True, True, True, True, False]
    gaps = untouched(np.full(10, 500.0), (0.0, 10.0), ((5.0, 6.0),))  # half of the window lies between iterations
    assert gaps.sum() == 9

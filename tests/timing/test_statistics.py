"""The statistics against scipy, against enumeration, and against what a reader of a table would expect."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.timing.statistics import (
    Estimate,
    coefficient_of_variation,
    log_ratios,
    minimum_count,
    outlying,
    paired_power,
    paired_ratio,
    percentile,
    percentile_rank,
    required_rounds,
    rounds_for_halfwidth,
    sigma_upper_bound,
    t_interval,
    verdict,
    welch_ratio,
)

times = st.floats(1e-3, 1e5)
sample = st.lists(times, min_size=2, max_size=20)
level = st.floats(0.5, 0.999)


def spread_enough(values: list[float]) -> bool:
    """Whether rounding leaves the standard deviation meaningful."""
    return float(np.std(values)) > 1e-6 * float(np.mean(np.abs(values)))


@given(sample, level)
def test_t_interval_is_that_of_scipy(values, level):
    assume(spread_enough(values))
    low, high = stats.t.interval(level, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    ours = t_interval(values, level)
    assert (ours.mean, ours.low, ours.high, ours.n) == pytest.approx(
        (np.mean(values), low, high, len(values)), rel=1e-6
    )


def test_one_process_has_no_interval():
    assert t_interval([12.5]) == Estimate(12.5, None, None, 1)
    assert t_interval([12.5]).relative_halfwidth is None


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf, 1.0]])
def test_what_is_not_a_number_is_refused(values):
    with pytest.raises(ValueError):
        t_interval(values)


@given(st.lists(st.tuples(times, times), min_size=2, max_size=20), level)
def test_paired_interval_agrees_with_scipys_paired_test(pairs, level):
    top, bottom = map(list, zip(*pairs, strict=True))
    assume(spread_enough(list(log_ratios(top, bottom))) and np.std(log_ratios(top, bottom)) > 1e-6)
    interval = stats.ttest_rel(np.log(top), np.log(bottom)).confidence_interval(level)
    ours = paired_ratio(top, bottom, level)
    assert (math.log(ours.low), math.log(ours.high)) == pytest.approx((interval.low, interval.high), rel=1e-5, abs=1e-7)
    assert ours.paired
    assert ours.n == len(pairs)


@given(sample, sample, level)
def test_unpaired_interval_is_welchs(top, bottom, level):
    assume(min(np.std(np.log(top)), np.std(np.log(bottom))) > 1e-6)
    interval = stats.ttest_ind(np.log(top), np.log(bottom), equal_var=False).confidence_interval(level)
    assume(max(abs(interval.low), abs(interval.high)) < 700)  # what a float64 holds as a ratio
    ours = welch_ratio(top, bottom, level)
    assert (math.log(ours.low), math.log(ours.high)) == pytest.approx((interval.low, interval.high), rel=1e-5, abs=1e-7)
    assert not ours.paired


def test_an_interval_beyond_all_numbers_ends_at_the_largest():
    ours = welch_ratio([1.0, 110.0], [2.0, 3.0], 0.998046875)
    assert ours.low < 1e-300
    assert ours.high == pytest.approx(sys.float_info.max)
    assert ours.word() == "~"


def test_unpaired_interval_where_one_side_never_varies():
    varying = t_interval(np.log([98, 101, 103]))
    ours = welch_ratio([98, 101, 103], [100, 100])
    assert math.log(ours.low) == pytest.approx(varying.low - math.log(100))
    assert math.log(ours.high) == pytest.approx(varying.high - math.log(100))


@given(st.lists(st.tuples(times, times), min_size=2, max_size=10))
def test_swapping_the_cells_turns_the_word_round(pairs):
    top, bottom = map(list, zip(*pairs, strict=True))
    opposite = {"faster": "slower", "slower": "faster", "~": "~"}
    assert paired_ratio(bottom, top).word() == opposite[paired_ratio(top, bottom).word()]
    assert welch_ratio(bottom, top).word() == opposite[welch_ratio(top, bottom).word()]


@given(
    st.lists(st.tuples(times, times), min_size=2, max_size=10), st.lists(st.floats(0.1, 10), min_size=10, max_size=10)
)
def test_drift_that_both_cells_see_changes_nothing(pairs, drift):
    top, bottom = map(np.array, zip(*pairs, strict=True))
    common = np.array(drift[: len(pairs)])
    plain, drifting = paired_ratio(top, bottom), paired_ratio(top * common, bottom * common)
    assert drifting.ratio == pytest.approx(plain.ratio)
    assert math.log(drifting.high / drifting.low) == pytest.approx(math.log(plain.high / plain.low), abs=1e-9)


def test_words():
    faster = paired_ratio([103, 103.1, 102.9], [100, 100, 100])
    assert faster.word() == "faster"
    assert faster.word(floor=0.05) == "~"
    assert paired_ratio([100, 103, 97], [100, 100, 100]).word() == "~"
    assert paired_ratio([200], [100]).word() == "~"
    assert welch_ratio([200], [100, 101]).word() == "~"
    assert welch_ratio([98, 98], [100, 100]).word() == "slower"


def test_ratios_refuse_what_they_cannot_pair_or_log():
    with pytest.raises(ValueError, match="3 rounds with 2"):
        paired_ratio([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="above 0"):
        welch_ratio([1, 0], [1, 2])


# PEERS.md 3.2; 662 is also LoadGen's MultiStream.min_query_count.
COUNTS = {
    (0.5, 0.95): 8,
    (0.9, 0.95): 46,
    (0.95, 0.95): 93,
    (0.99, 0.95): 473,
    (0.999, 0.95): 4742,
    (0.5, 0.99): 11,
    (0.9, 0.99): 64,
    (0.95, 0.99): 130,
    (0.99, 0.99): 662,
    (0.999, 0.99): 6636,
}


@pytest.mark.parametrize(("question", "count"), COUNTS.items())
def test_counts_that_earn_a_percentile(question, count):
    assert minimum_count(*question) == count


@given(st.integers(1, 60), st.integers(1, 99), st.integers(50, 99))
def test_percentile_rank_by_enumeration(n, p_percent, confidence_percent):
    tail, allowed = Fraction(100 - p_percent, 100), 1 - Fraction(confidence_percent, 100)
    cumulative, best = Fraction(0), None
    for t in range(n + 1):
        cumulative += math.comb(n, t) * tail**t * (1 - tail) ** (n - t)
        assume(abs(cumulative - allowed) > 1e-9)  # an exact tie falls either way in floating point
        if cumulative <= allowed:
            best = t
    assert percentile_rank(n, p_percent / 100, confidence_percent / 100) == (best or None)


@settings(max_examples=30)
@given(st.integers(64, 900), st.sampled_from([0.5, 0.9, 0.95]))
def test_percentile_bound_lies_above_the_percentile_and_is_a_sample(n, p):
    values = np.random.default_rng(n).exponential(size=n)
    found = percentile(values, p)
    if n < minimum_count(p):
        assert found is None
        return
    assert found.value <= found.upper
    assert found.upper in values
    assert np.mean(values <= found.value) >= p
    assert found.n == n


def test_percentile_bound_holds_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = sum(percentile(rng.random(200), 0.9).upper >= 0.9 for _ in range(2000))
    assert held / 2000 >= 0.99 - 3 * math.sqrt(0.99 * 0.01 / 2000)


def test_percentile_is_absent_where_the_count_does_not_earn_it():
    assert percentile([1.0] * 63, 0.9) is None
    assert percentile([1.0] * 64, 0.9) is not None


@pytest.mark.parametrize(
    ("halfwidth", "word"), [(0, "stable"), (3, "stable"), (3.1, "noisy"), (10, "noisy"), (10.1, "unstable")]
)
def test_verdict(halfwidth, word):
    assert verdict(Estimate(100, 100 - halfwidth, 100 + halfwidth, 5)) == word


def test_a_single_process_is_never_called_stable():
    assert verdict(t_interval([100.0])) == "unstable"


@given(sample)
def test_coefficient_of_variation_is_scipys(values):
    assert coefficient_of_variation(values) == pytest.approx(stats.variation(values, ddof=1), rel=1e-6, abs=1e-9)
    assert coefficient_of_variation(values[:1]) is None


@given(st.lists(st.floats(0.97, 1.03), min_size=2, max_size=9), st.data())
def test_the_slow_process_is_pointed_out(others, data):
    position = data.draw(st.integers(0, len(others)))
    assume(np.ptp(np.log(others)) < 0.03)
    values = [*others[:position], 1.3, *others[position:]]
    assert outlying(values) == (position,)
    assert outlying(others) == ()


def test_two_processes_have_no_outlier():
    assert outlying([1.0, 2.0]) == ()


@given(st.integers(2, 30), st.floats(0.05, 0.95))
def test_sigma_bound_is_the_chi_square_one(n, confidence):
    values = np.random.default_rng(n).normal(10, 2, n)
    expected = math.sqrt((n - 1) * np.var(values, ddof=1) / stats.chi2.ppf(1 - confidence, n - 1))
    assert sigma_upper_bound(values, confidence) == pytest.approx(expected)


@given(st.integers(2, 200), st.floats(0.003, 0.2), st.floats(0.005, 0.2))
def test_power_is_that_of_the_noncentral_t(rounds, sigma, difference):
    noncentrality = math.log(1 + difference) * math.sqrt(rounds) / sigma
    expected = stats.nct.sf(stats.t.ppf(0.975, rounds - 1), rounds - 1, noncentrality)
    assert paired_power(rounds, sigma, difference) == pytest.approx(expected, abs=1e-6)


def test_power_by_simulation():
    rng, rounds, sigma = np.random.default_rng(1), 8, 0.03
    draws = rng.normal(math.log(1.03), sigma, (20_000, rounds))
    t = draws.mean(axis=1) / draws.std(axis=1, ddof=1) * math.sqrt(rounds)
    found = np.mean(t > stats.t.ppf(0.975, rounds - 1))
    assert paired_power(rounds, sigma, 0.03) == pytest.approx(found, abs=0.01)


@settings(max_examples=40)
@given(st.lists(st.floats(-0.1, 0.1), min_size=3, max_size=8), st.sampled_from([0.01, 0.03, 0.1]))
def test_required_rounds_are_the_fewest_that_suffice(pilot, difference):
    assume(np.std(pilot) > 1e-4)
    rounds = required_rounds(pilot, difference)
    sigma = sigma_upper_bound(pilot)
    assert paired_power(rounds, sigma, difference) >= 0.9
    assert rounds == 2 or paired_power(rounds - 1, sigma, difference) < 0.9


def test_required_rounds_of_a_pilot_without_spread():
    assert required_rounds([0.01, 0.01, 0.01]) == 2
    with pytest.raises(ValueError, match="difference of 0"):
        required_rounds([0.01, 0.02], difference=0)


@settings(max_examples=40)
@given(st.lists(st.floats(90, 110), min_size=2, max_size=8), st.sampled_from([0.005, 0.01, 0.05]))
def test_rounds_for_a_halfwidth_are_the_fewest(values, target):
    rounds = rounds_for_halfwidth(values, target)
    spread = coefficient_of_variation(values)
    widths = [stats.t.ppf(0.975, n - 1) * spread / math.sqrt(n) for n in (rounds - 1, rounds) if n > 1]
    assert widths[-1] <= target * (1 + 1e-9)
    assert all(earlier > target for earlier, _ in pairwise(widths))

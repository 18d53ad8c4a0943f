"""Statistics of a benchmark: intervals over processes, ratios, percentile bounds, verdicts, sample sizes.

Pure: numbers in, numbers out, no other module of the project. The unit of replication is the process, so every
``values`` below holds one number per process. scipy.special is imported on first use: it costs a third of a second.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Numbers = Sequence[float] | FloatArray

STABLE = 0.03
"""Largest relative half-width of a stable estimate (PEERS.md R1)."""
NOISY = 0.10
"""Largest relative half-width of a noisy one; beyond it the estimate is unstable."""
PERCENTILES = {"p90": 0.90, "p95": 0.95, "p99": 0.99, "p999": 0.999}
"""Those that are reported where the sample count earns them."""
_LARGEST = math.log(sys.float_info.max)


@dataclass(frozen=True)
class Estimate:
    """A mean over ``n`` processes with its t-interval; ``low`` and ``high`` are None when n < 2."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def relative_halfwidth(self) -> float | None:
        """Half the interval's width over the mean, or None without an interval."""
        if self.low is None or self.high is None or self.mean == 0:
            return None
        return (self.high - self.low) / 2 / abs(self.mean)


@dataclass(frozen=True)
class Ratio:
    """A ratio of two cells (geometric mean) with its interval; ``low`` and ``high`` are None where n is too small.

    ``n`` is the number of pairs, or of the smaller side's processes where ``paired`` is False.
    """

    ratio: float
    low: float | None
    high: float | None
    n: int
    paired: bool

    def word(self, floor: float = 0.0) -> Literal["faster", "slower", "~"]:
        """One word for a ratio of throughputs: ``~`` unless the interval excludes 1 and |ln ratio| > ``floor``."""
        if self.low is None or self.high is None or abs(math.log(self.ratio)) <= floor:
            return "~"
        if self.low > 1:
            return "faster"
        return "slower" if self.high < 1 else "~"


@dataclass(frozen=True)
class Percentile:
    """The p-quantile of ``n`` samples (nearest rank) and its upper confidence bound, in the samples' unit."""

    p: float
    value: float
    upper: float
    n: int


def t_interval(values: Numbers, level: float = 0.95) -> Estimate:
    """Mean and Student interval m +- t * s / sqrt(n), s with n - 1 (PEERS.md R1).

    Raises:
        ValueError: no values, or one that is not finite.
    """
    array = _finite(values)
    mean = float(array.mean())
    if array.size < 2:
        return Estimate(mean, None, None, 1)
    half = t_quantile(array.size - 1, level) * float(array.std(ddof=1)) / math.sqrt(array.size)
    return Estimate(mean, mean - half, mean + half, int(array.size))


def t_quantile(degrees: float, level: float = 0.95) -> float:
    """The t within +-t of which Student's variable of ``degrees`` degrees of freedom lies with chance ``level``."""
    from scipy import special

    return float(special.stdtrit(degrees, 0.5 + level / 2))


def log_ratios(numerator: Numbers, denominator: Numbers) -> FloatArray:
    """ln(numerator / denominator) round by round: float64 of shape (rounds,).

    Raises:
        ValueError: the sides differ in length, or a value is not positive and finite.
    """
    top, bottom = _positive(numerator), _positive(denominator)
    if top.shape != bottom.shape:
        raise ValueError(f"cannot pair {top.size} rounds with {bottom.size}")
    return np.log(top) - np.log(bottom)


def paired_ratio(numerator: Numbers, denominator: Numbers, level: float = 0.95) -> Ratio:
    """Ratio of two cells measured in the same rounds: t-interval of the mean log ratio, taken back by exp.

    Pairing by round removes drift that both cells saw. Raises ValueError as ``log_ratios`` does.
    """
    estimate = t_interval(log_ratios(numerator, denominator), level)
    return ratio_of_logs(estimate, paired=True)


def welch_ratio(numerator: Numbers, denominator: Numbers, level: float = 0.95) -> Ratio:
    """Ratio of two cells whose rounds cannot be paired: Welch's interval of the difference of the mean logs.

    Degrees of freedom after Welch and Satterthwaite. Raises ValueError for a value that is not positive and finite.
    """
    top, bottom = np.log(_positive(numerator)), np.log(_positive(denominator))
    difference = float(top.mean() - bottom.mean())
    n = int(min(top.size, bottom.size))
    if n < 2:
        return ratio_of_logs(Estimate(difference, None, None, n), paired=False)
    a, b = float(top.var(ddof=1)) / top.size, float(bottom.var(ddof=1)) / bottom.size
    error = math.sqrt(a + b)
    if error == 0:
        return ratio_of_logs(Estimate(difference, difference, difference, n), paired=False)
    # Shares first: squares of tiny variances would underflow.
    share = a / (a + b)
    degrees = 1 / (share**2 / (top.size - 1) + (1 - share) ** 2 / (bottom.size - 1))
    half = t_quantile(degrees, level) * error
    return ratio_of_logs(Estimate(difference, difference - half, difference + half, n), paired=False)


def ratio_of_logs(logs: Estimate, *, paired: bool) -> Ratio:
    """An estimate of a log ratio as a ratio; an end beyond what a float64 holds is the largest one."""
    low, high = (None if end is None else _exp(end) for end in (logs.low, logs.high))
    return Ratio(_exp(logs.mean), low, high, logs.n, paired)


def verdict(estimate: Estimate) -> Literal["stable", "noisy", "unstable"]:
    """What the interval says of an estimate. One process has no interval, nothing shows it to be stable: unstable."""
    width = estimate.relative_halfwidth
    if width is None or width > NOISY:
        return "unstable"
    return "stable" if width <= STABLE else "noisy"


def coefficient_of_variation(values: Numbers) -> float | None:
    """Standard deviation (n - 1) over the mean; None for fewer than two values or a mean of 0."""
    array = _finite(values)
    mean = float(array.mean())
    return float(array.std(ddof=1)) / abs(mean) if array.size > 1 and mean != 0 else None


def outlying(values: Numbers, least: float = 0.10, robust_sigmas: float = 4.0) -> tuple[int, ...]:
    """Indices of the slow processes among many: latencies that lie above the others by more than noise explains.

    A process stands out when its ln latency exceeds the median by more than ``least`` and ``robust_sigmas`` times
    1.4826 * MAD (Iglewicz and Hoaglin's modified z-score, one-sided). Two processes have no "others".
    """
    logs = np.log(_positive(values))
    if logs.size < 3:
        return ()
    excess = logs - np.median(logs)
    limit = max(least, robust_sigmas * 1.4826 * float(np.median(np.abs(excess))))
    return tuple(int(index) for index in np.flatnonzero(excess > limit))


def percentile_rank(n: int, p: float, confidence: float = 0.99) -> int | None:
    """The rank t, counted from the largest, of the sample that bounds the p-quantile from above; None if not earned.

    The largest t with P[Binomial(n, 1 - p) <= t] <= 1 - confidence (LoadGen's early stopping, PEERS.md 3.2), which
    holds for independent samples.
    """
    from scipy import special

    if n < 1:
        return None
    within = special.bdtr(np.arange(n + 1), n, 1 - p) <= 1 - confidence
    rank = int(np.count_nonzero(within)) - 1
    return rank if rank >= 1 else None


def minimum_count(p: float, confidence: float = 0.99) -> int:
    """The smallest sample count that earns the p-quantile a bound: p90 64, p95 130, p99 662 at 99 % confidence."""
    low, high = 0, 1
    while percentile_rank(high, p, confidence) is None:
        low, high = high, high * 2
    return _smallest(low, high, lambda n: percentile_rank(n, p, confidence) is not None)


def percentile(samples: Numbers, p: float, confidence: float = 0.99) -> Percentile | None:
    """The p-quantile with its upper bound, or None where the count does not earn it. Raises as ``t_interval``."""
    array = np.sort(_finite(samples))
    rank = percentile_rank(array.size, p, confidence)
    if rank is None:
        return None
    value = float(np.quantile(array, p, method="inverted_cdf"))
    return Percentile(p, value, float(array[array.size - rank]), int(array.size))


def aa_floor(ratios: Numbers, share: float = 0.95) -> float:
    """The noise floor of A/A rounds: the ``share`` quantile (nearest rank) of |ln ratio| (PEERS.md R11).

    It is that of single rounds: what a comparison of several rounds calls different stands out of it by a margin.
    """
    return float(np.quantile(np.abs(_finite(ratios)), share, method="inverted_cdf"))


def sigma_upper_bound(values: Numbers, confidence: float = 0.80) -> float:
    """Upper confidence bound of a normal sigma: s * sqrt((n - 1) / q), q the chi2 quantile of 1 - confidence.

    Raises:
        ValueError: fewer than two values.
    """
    from scipy import special

    array = _finite(values)
    if array.size < 2:
        raise ValueError("a spread needs at least two values")
    degrees = array.size - 1
    return float(array.std(ddof=1)) * math.sqrt(degrees / float(special.chdtri(degrees, confidence)))


def paired_power(rounds: int, sigma: float, difference: float, level: float = 0.95) -> float:
    """Probability that ``rounds`` paired rounds show a true relative ``difference``, sigma being that of a log ratio.

    Noncentral t with rounds - 1 degrees of freedom and noncentrality ln(1 + difference) * sqrt(rounds) / sigma.
    """
    from scipy import special

    if rounds < 2:
        return 0.0
    effect = abs(math.log1p(difference)) * math.sqrt(rounds)
    if sigma == 0:
        return 1.0 if effect else 0.0
    power = 1 - float(special.nctdtr(rounds - 1, effect / sigma, t_quantile(rounds - 1, level)))
    # nctdtr gives nan for noncentralities in the hundreds, where the chance of missing has long vanished.
    return 1.0 if math.isnan(power) else power


def required_rounds(
    pilot: Numbers, difference: float = 0.03, power: float = 0.90, confidence: float = 0.80, level: float = 0.95
) -> int:
    """Rounds that find a true relative ``difference`` with probability ``power``, planned from a pilot's log ratios.

    Sigma is taken at its upper ``confidence`` bound, because a pilot of five underestimates it half of the time.

    Raises:
        ValueError: fewer than two log ratios, or a difference of 0.
    """
    if math.log1p(difference) == 0:
        raise ValueError("no number of rounds finds a difference of 0")
    sigma = sigma_upper_bound(pilot, confidence)
    high = 2
    while paired_power(high, sigma, difference, level) < power:
        high *= 2
    return _smallest(max(1, high // 2), high, lambda n: paired_power(n, sigma, difference, level) >= power)


def rounds_for_halfwidth(values: Numbers, target: float) -> int:
    """Rounds after which the mean of ``values`` would have the relative half-width ``target``, its spread unchanged.

    Raises:
        ValueError: fewer than two values, a mean of 0, or a target that is not positive.
    """
    spread = coefficient_of_variation(values)
    if spread is None or target <= 0:
        raise ValueError("needs at least two values of mean other than 0 and a positive target")

    def narrow(n: int) -> bool:
        return t_quantile(n - 1) * spread / math.sqrt(n) <= target

    high = 2
    while not narrow(high):
        high *= 2
    return _smallest(max(1, high // 2), high, narrow)


def more_rounds(values: Numbers, target: float) -> int:
    """How many more rounds it takes to the relative half-width ``target``, the spread unchanged; 0 where it is reached.

    Raises:
        ValueError: as ``rounds_for_halfwidth``.
    """
    width = t_interval(values).relative_halfwidth
    if width is not None and width <= target:
        return 0
    return max(1, rounds_for_halfwidth(values, target) - len(values))


def _smallest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest integer in (low, high] for which the monotone ``holds`` is true; it is true of ``high``."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _exp(log: float) -> float:
    return math.exp(min(log, _LARGEST))


def _finite(values: Numbers) -> FloatArray:
    """The values as a float64 vector."""
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError("needs at least one value, all of them finite")
    return array


def _positive(values: Numbers) -> FloatArray:
    """The values as a float64 vector of positive numbers."""
    array = _finite(values)
    if (array <= 0).any():
        raise ValueError("a ratio needs values above 0")
    return array

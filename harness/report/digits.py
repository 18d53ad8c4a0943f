"""How many digits of a number are printed: as many as its interval earns, and no more."""

from __future__ import annotations

import math

from harness.records.schema import Estimate

EXACT_DIGITS = 4
"""Significant digits where an interval has no width: nothing says that more are meant."""
UNEARNED_DIGITS = 2
"""Significant digits without an interval: one process says little."""
MISSING = "-"


def figure(estimate: Estimate) -> str:
    """The mean with half of its interval's width, both to the place that the half-width earns: ``0.412 ±0.012``.

    The half-width keeps one significant digit, two if it begins with 1. Without an interval the mean has two digits,
    and all that its source printed if it was published (n is 0).
    """
    if not math.isfinite(estimate.mean):
        return MISSING
    if estimate.low is None or estimate.high is None or not math.isfinite(estimate.high - estimate.low):
        return significant(estimate.mean, UNEARNED_DIGITS) if estimate.n else f"{estimate.mean:.12g}"
    halfwidth = (estimate.high - estimate.low) / 2
    if _has_no_width(estimate.mean, halfwidth):
        return f"{significant(estimate.mean, EXACT_DIGITS)} ±0"
    places = earned_places(halfwidth)
    return f"{rounded(estimate.mean, places)} ±{rounded(halfwidth, places)}"


def interval_places(value: float, low: float, high: float, without_width: int) -> int:
    """The decimal place to which a value and the ends of its interval are printed; of one without width as given."""
    halfwidth = (high - low) / 2
    return without_width if _has_no_width(value, halfwidth) else earned_places(halfwidth)


def _has_no_width(value: float, halfwidth: float) -> bool:
    """Whether an interval is narrower than any clock can tell: what sums of floats differ by, or figures made up."""
    return halfwidth <= 1e-7 * abs(value)


def earned_places(halfwidth: float) -> int:
    """The decimal place of the last digit worth printing: 2 for 0.03, 3 for 0.012, and -1 for 40."""
    halfwidth = float(f"{halfwidth:.12g}")  # (0.7 - 0.3) / 2 is 0.2
    exponent = math.floor(math.log10(halfwidth))
    return -exponent + (1 if halfwidth < 2 * 10.0**exponent else 0)


def with_interval(value: float, low: float | None, high: float | None) -> tuple[str, str]:
    """A ratio and its interval (``0.97 to 1.02``), both to the place that the half-width earns; two digits without."""
    if low is None or high is None:
        return significant(value, UNEARNED_DIGITS), MISSING
    places = interval_places(value, low, high, EXACT_DIGITS)
    return rounded(value, places), f"{rounded(low, places)} to {rounded(high, places)}"


def significant(value: float, digits: int) -> str:
    """The value with so many significant digits, never in scientific notation."""
    if value == 0:
        return "0"
    return rounded(value, digits - 1 - math.floor(math.log10(abs(value))))


def rounded(value: float, places: int) -> str:
    """The value rounded to a decimal place, with zeros up to it: ``rounded(2431, -1)`` is ``2430``."""
    return f"{round(value, places):.{max(places, 0)}f}"

"""One timing line as a tool prints it (min, max, mean, median, percentiles), and what such numbers must satisfy."""

from __future__ import annotations

from dataclasses import dataclass

from harness.parsing.text import Finding


@dataclass(frozen=True, slots=True)
class Timing:
    """The statistics of one boundary, as printed, in milliseconds; None where the tool did not print a value.

    Attributes:
        name: the tool's own label, such as ``NPU_compute_time`` or ``GPU Compute Time``.
        percentiles: pairs (level in percent, milliseconds), in the order printed.
        count: number of measurements where the tool states it.

    """

    name: str
    min_ms: float | None = None
    max_ms: float | None = None
    mean_ms: float | None = None
    median_ms: float | None = None
    percentiles: tuple[tuple[float, float], ...] = ()
    count: int | None = None

    def percentile(self, level: float) -> float | None:
        """The printed percentile of that level in milliseconds, or None."""
        return next((value for printed, value in self.percentiles if printed == level), None)

    def to_json(self) -> dict[str, float]:
        """Keys ``min max mean median p99 ...`` in milliseconds, without those that were not printed."""
        named = {"min": self.min_ms, "max": self.max_ms, "mean": self.mean_ms, "median": self.median_ms}
        out = {key: value for key, value in named.items() if value is not None}
        out.update({f"p{level:g}": value for level, value in self.percentiles})
        return out


def check_timing(timing: Timing, rel_tolerance: float = 1e-9) -> tuple[Finding, ...]:
    """Contradictions within one timing line; empty when the numbers can be true.

    Args:
        timing: the line as printed.
        rel_tolerance: what rounding of the printed digits may explain (ais_bench prints all 17, trtexec 6: 1e-5).

    """
    low, high, mean, median = timing.min_ms, timing.max_ms, timing.mean_ms, timing.median_ms
    p99 = timing.percentile(99)
    rules = [
        ("min_above_max", "min", low, "max", high),
        ("mean_outside_range", "min", low, "mean", mean),
        ("mean_outside_range", "mean", mean, "max", high),
        ("median_outside_range", "min", low, "median", median),
        ("median_outside_range", "median", median, "max", high),
        ("p99_below_median", "median", median, "p99", p99),
        ("p99_above_max", "p99", p99, "max", high),
    ]
    findings = []
    for code, smaller_name, smaller, larger_name, larger in rules:
        if smaller is None or larger is None or smaller - larger <= rel_tolerance * abs(larger):
            continue
        message = f"{timing.name}: {smaller_name} {smaller:g} ms is above {larger_name} {larger:g} ms"
        findings.append(Finding(code, message))
    if any(value is not None and value < 0 for value in (low, high, mean, median, p99)):
        findings.append(Finding("negative_time", f"{timing.name}: a negative time was printed"))
    return tuple(findings)


def dyadic_step_ms(values: tuple[float, ...]) -> float | None:
    """The coarsest step 1, 1/2 ... 1/1024 ms of which every value is a multiple, or None where there is none.

    Since AIT RC3 ais_bench takes its stamps as float32 milliseconds since the session began; after 8 s their step is
    1/1024 ms, after 131 s 1/64 ms, after 17 min 1/8 ms, and so is that of every duration.
    """
    if not values or not any(values):
        return None
    for power in range(11):
        if all((value * 2.0**power).is_integer() for value in values):
            return 2.0**-power
    return None

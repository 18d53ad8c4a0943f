"""The two kinds of lines that carry ais_bench's numbers: timing lines and the throughput line, in all generations.

Formats: ais_infer 2022-06 (G1) to ais_bench 0.0.2 of 2024-06 (G5) and msit benchmark (G6), as their ``summary.py``
prints them. Each line stands for itself, so neither order nor what shares a line with it matters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.parsing.text import VALUE, Finding, cut_finding, is_cut, number
from harness.parsing.timing import Timing, check_timing

COMPUTE, H2D, D2H = "NPU_compute_time", "H2D_latency", "D2H_latency"

#: 1000 * batchsize / mean and the printed throughput agree to the last digits in every unedited log.
THROUGHPUT_REL_TOLERANCE = 1e-6

_LABEL = re.compile(rf"\b({COMPUTE}|{H2D}|{D2H})\s*\(ms\)\s*:")
_PAIR = re.compile(
    rf"[ \t]*(?:,\s*)?(?:(min|max|mean|median)|percentile\(\s*([0-9]{{1,3}}(?:\.[0-9]+)?)\s*%\s*\))\s*=\s*({VALUE})",
    re.IGNORECASE,
)
_G1 = re.compile(rf"throughput\s*\(\s*1000\s*\*\s*batchsize\s*/\s*NPU_compute_time\s*\)\s*:\s*({VALUE})")
_G2 = re.compile(
    rf"throughput\s+1000\s*\*\s*batchsize(\.mean)?\s*\(\s*({VALUE})\s*\)\s*/\s*"
    rf"NPU_compute_time\.mean\s*\(\s*({VALUE})\s*\)\s*:\s*({VALUE})"
)


@dataclass(frozen=True, slots=True)
class Throughput:
    """One throughput line.

    Attributes:
        samples_per_s: the printed throughput, device compute only.
        batchsize: the printed batch size (a float: it is a mean over shapes), None in G1, which does not print it.
        mean_ms: the printed mean compute time in milliseconds, None in G1.
        generation: ``G1``, ``G2-G3`` or ``G4+``, from the wording.

    """

    samples_per_s: float
    batchsize: float | None
    mean_ms: float | None
    generation: str

    @property
    def expected(self) -> float | None:
        """1000 * batchsize / mean, or None where the line does not print both or the mean is not positive."""
        if self.batchsize is None or self.mean_ms is None or self.mean_ms <= 0:
            return None
        return 1000 * self.batchsize / self.mean_ms

    @property
    def rel_err(self) -> float | None:
        """|expected - printed| / printed, rounded to nine decimals; None where it cannot be formed."""
        if self.expected is None or self.samples_per_s <= 0:
            return None
        return round(abs(self.expected - self.samples_per_s) / self.samples_per_s, 9)

    def to_json(self) -> dict[str, float]:
        """Keys ``throughput batchsize mean rel_err``, without those that were not printed."""
        values = {
            "throughput": self.samples_per_s,
            "batchsize": self.batchsize,
            "mean": self.mean_ms,
            "rel_err": self.rel_err,
        }
        return {key: value for key, value in values.items() if value is not None}


def parse_timings(text: str) -> tuple[list[Timing], list[Finding]]:
    """All timing lines of cleaned text in their order; values that the text's end may cut are left out and flagged."""
    timings, findings = [], []
    for label in _LABEL.finditer(text):
        values: dict[str, float] = {}
        percentiles: list[tuple[float, float]] = []
        found = _PAIR.match(text, label.end())
        while found is not None:
            key, level, token = found.groups()
            what = f"{label[1]} {key or f'percentile({level}%)'}"
            value = number(token)
            if is_cut(text, found.end()):
                findings.append(cut_finding(what, token))
            elif value is None:
                findings.append(Finding("not_a_number", f"{what} is {token!r}"))
            elif key is not None:
                values.setdefault(key.lower(), value)
            else:
                percentiles.append((float(level), value))
            found = _PAIR.match(text, found.end())
        if values or percentiles:
            timing = Timing(
                label[1],
                values.get("min"),
                values.get("max"),
                values.get("mean"),
                values.get("median"),
                tuple(percentiles),
            )
            timings.append(timing)
            findings.extend(check_timing(timing))
    return timings, findings


def parse_throughputs(text: str, timings: Sequence[Timing]) -> tuple[list[Throughput], list[Finding]]:
    """All throughput lines of cleaned text in their order, each checked against 1000 * batchsize / mean.

    A throughput that touches the end of the text counts as whole only if it spells what its own line (in G1: the mean
    of the log's compute line and a whole batch size) gives to the last digit.
    """
    means = [timing.mean_ms for timing in timings if timing.name == COMPUTE and timing.mean_ms]
    matches = [(found, "G1", "", "", found[1]) for found in _G1.finditer(text)]
    matches += [(found, "G4+" if found[1] else "G2-G3", found[2], found[3], found[4]) for found in _G2.finditer(text)]
    throughputs, findings = [], []
    for found, generation, batch_token, mean_token, token in sorted(matches, key=lambda match: match[0].start()):
        value, batchsize, mean_ms = number(token), number(batch_token), number(mean_token)
        if value is None or (generation != "G1" and (batchsize is None or mean_ms is None)):
            findings.append(Finding("not_a_number", f"throughput line with {batch_token!r}, {mean_token!r}, {token!r}"))
            continue
        line = Throughput(value, batchsize, mean_ms, generation)
        if is_cut(text, found.end()) and not _is_whole(token, line, means):
            findings.append(cut_finding("throughput", token))
            continue
        throughputs.append(line)
        findings.extend(_check(line))
    return throughputs, findings


def _is_whole(token: str, line: Throughput, means: Sequence[float]) -> bool:
    """Whether the digits are all there, because they are those that the formula gives."""
    if line.expected is not None:
        return repr(line.expected) == token
    for mean_ms in means:
        batchsize = round(line.samples_per_s * mean_ms / 1000)
        if batchsize >= 1 and repr(1000 * batchsize / mean_ms) == token:
            return True
    return False


def _check(line: Throughput) -> list[Finding]:
    """The finding that the printed throughput is not 1000 * batchsize / mean."""
    if line.expected is None:
        return []
    if abs(line.expected - line.samples_per_s) <= THROUGHPUT_REL_TOLERANCE * max(line.expected, line.samples_per_s):
        return []
    formula = f"1000 * {line.batchsize:g} / {line.mean_ms!r} = {line.expected!r}"
    return [Finding("throughput_mismatch", f"printed throughput {line.samples_per_s!r} is not {formula}")]

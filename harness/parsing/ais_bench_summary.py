"""The summary JSON of ais_bench: ``sumary.json`` (G1, G2), ``<run>_summary.json``, ``device*_summary.json`` (G3 on).

Whole files are read as JSON, excerpts (cut, pasted as a Python dict, spread over lines) as far as they go. Since AIT
RC3 the list of compute times holds pairs (start, end) of float32 milliseconds since the session began.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from harness.parsing.ais_bench_lines import COMPUTE, D2H, H2D
from harness.parsing.text import VALUE, Finding, number
from harness.parsing.timing import Timing, check_timing

_PERCENTILE = re.compile(r"percentile\(([0-9]{1,3}(?:\.[0-9]+)?)%\)")
_BLOCK = re.compile(rf"[\"']({COMPUTE}|{H2D}|{D2H})[\"']\s*:\s*\{{([^{{}}]*\}}?)")
_FIELD = re.compile(
    rf"[\"'](min|max|mean|median|count|percentile\([0-9]{{1,3}}(?:\.[0-9]+)?%\))[\"']\s*:\s*({VALUE})\s*(?=[,}}\n])"
)
_THROUGHPUT = re.compile(rf"[\"']throughput[\"']\s*:\s*({VALUE})\s*(?=[,}}])")


@dataclass(frozen=True, slots=True)
class AisBenchSummary:
    """What a summary file states.

    Attributes:
        timings: one for each of ``NPU_compute_time H2D_latency D2H_latency`` that is there.
        samples_per_s: the throughput, None where the excerpt does not reach it.
        compute_ms: the raw compute times in milliseconds; empty where there is no list.
        stamps_ms: the pairs (start, end) that they come from, in milliseconds since the session began; empty before
            RC3.
        pid: the worker's process id, from G3 on.
        stamp_step_ms: the coarsest step of those stamps in milliseconds (float32 ulp at the last one), None without
            pairs.

    """

    timings: tuple[Timing, ...]
    samples_per_s: float | None
    compute_ms: tuple[float, ...] = ()
    stamps_ms: tuple[tuple[float, float], ...] = ()
    pid: int | None = None
    stamp_step_ms: float | None = None

    def timing(self, name: str) -> Timing | None:
        """The timing of that name, or None."""
        return next((timing for timing in self.timings if timing.name == name), None)


def parse_summary(text: str) -> tuple[AisBenchSummary | None, list[Finding]]:
    """The summary in cleaned text (a whole JSON file, or an excerpt anywhere in a log), or None where there is none."""
    try:
        loaded: Any = json.loads(text)
    except (ValueError, RecursionError):
        loaded = None
    is_file = isinstance(loaded, dict) and any(isinstance(loaded.get(name), dict) for name in (COMPUTE, H2D, D2H))
    summary = _from_json(loaded) if is_file else _from_excerpt(text)
    if summary is None:
        return None, []
    findings = [finding for timing in summary.timings for finding in check_timing(timing)]
    return summary, findings + _check_list(summary)


def _from_json(loaded: dict[str, Any]) -> AisBenchSummary:
    timings = [
        _timing(name, {str(key): _float(value) for key, value in loaded[name].items()})
        for name in (COMPUTE, H2D, D2H)
        if isinstance(loaded.get(name), dict)
    ]
    compute_ms, stamps_ms = _times(loaded.get("npu_compute_time_list"))
    last_ms = max((end for _, end in stamps_ms), default=0.0)
    step = 2.0 ** (math.floor(math.log2(last_ms)) - 23) if last_ms > 0 else None
    pid = loaded.get("pid")
    return AisBenchSummary(
        tuple(timings),
        _float(loaded.get("throughput")),
        compute_ms,
        stamps_ms,
        pid if isinstance(pid, int) else None,
        step,
    )


def _from_excerpt(text: str) -> AisBenchSummary | None:
    timings = []
    for block in _BLOCK.finditer(text):
        fields = {field[1]: number(field[2]) for field in _FIELD.finditer(block[2])}
        timings.append(_timing(block[1], fields))
    timings = [timing for timing in timings if timing.to_json()]
    found = _THROUGHPUT.search(text)
    throughput = number(found[1]) if found else None
    return AisBenchSummary(tuple(timings), throughput) if timings else None


def _timing(name: str, fields: dict[str, float | None]) -> Timing:
    percentiles = []
    for key, value in fields.items():
        level = _PERCENTILE.fullmatch(key)
        if level is not None and value is not None:
            percentiles.append((float(level[1]), value))
    count = fields.get("count")
    return Timing(
        name,
        fields.get("min"),
        fields.get("max"),
        fields.get("mean"),
        fields.get("median"),
        tuple(percentiles),
        int(count) if count is not None and count >= 0 and count.is_integer() else None,
    )


def _float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        converted = float(value)
    except OverflowError:
        return None
    return converted if math.isfinite(converted) else None


def _times(entries: object) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
    """(durations, stamps) of the raw list; both empty where its shape is not one that ais_bench writes."""
    if not isinstance(entries, list) or not entries:
        return (), ()
    plain = [_float(entry) for entry in entries]
    if None not in plain:
        return tuple(value for value in plain if value is not None), ()
    stamps = []
    for entry in entries:
        pair = [_float(stamp) for stamp in entry] if isinstance(entry, list) else []
        if len(pair) != 2 or pair[0] is None or pair[1] is None:
            return (), ()
        stamps.append((pair[0], pair[1]))
    return tuple(end - start for start, end in stamps), tuple(stamps)


def _busy_ms(stamps: tuple[tuple[float, float], ...]) -> float:
    """Milliseconds in which at least one of the intervals was running."""
    busy, reached = 0.0, -math.inf
    for start, end in sorted(stamps):
        busy += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return busy


def _check_list(summary: AisBenchSummary) -> list[Finding]:
    """Whether the printed statistics are those of the raw list, and what its stamps can resolve."""
    timing, times = summary.timing(COMPUTE), summary.compute_ms
    findings = []
    if summary.stamp_step_ms is not None and summary.stamp_step_ms >= 1 / 1024:
        message = f"stamps are float32: durations are multiples of {summary.stamp_step_ms:g} ms; use the mean"
        findings.append(Finding("quantised", message, "remark"))
    if timing is None or not times:
        return findings
    if timing.count is not None and timing.count != len(times):
        findings.append(Finding("count_mismatch", f"{timing.name}: count {timing.count} but {len(times)} raw times"))
    mean = timing.mean_ms
    candidates = [math.fsum(times) / len(times)]
    if summary.stamps_ms:
        candidates.append(_busy_ms(summary.stamps_ms) / len(times))
    if mean is not None and all(abs(mean - candidate) > 1e-6 * abs(candidate) for candidate in candidates):
        stamps = [stamp for pair in summary.stamps_ms for stamp in pair]
        why = ""
        if stamps and abs(mean - math.fsum(stamps) / len(stamps)) <= 1e-6 * abs(mean):
            why = ": it averages start and end stamps, as scripts from before AIT RC3 do"
        message = f"{timing.name}: mean {mean!r} ms is not that of its raw times, {candidates[0]!r} ms{why}"
        findings.append(Finding("mean_mismatch", message))
    return findings

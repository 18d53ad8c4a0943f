"""The raw times that ``trtexec --exportTimes=FILE`` writes: one record a query, in milliseconds (TensorRT 7 to 11)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from harness.parsing.text import Finding, not_understood

#: Our name, TensorRT 8 and later, TensorRT 7 (``exportJSONTrace`` in ``samples/common/sampleReporting.cpp``).
_KEYS = {
    "compute_ms": ("computeMs", "computeMs"),
    "h2d_ms": ("h2dMs", "inMs"),
    "d2h_ms": ("d2hMs", "outMs"),
    "latency_ms": ("latencyMs", "latencyMs"),
    "start_compute_ms": ("startComputeMs", "startComputeMs"),
    "start_enqueue_ms": ("startEnqMs", "startEnqMs"),
    "end_enqueue_ms": ("endEnqMs", "endEnqMs"),
}


@dataclass(frozen=True, slots=True)
class TraceTimes:
    """Raw times of the queries in milliseconds, in their order; a tuple is empty where the file has no such times.

    TensorRT 8.5 and later leave the warm-up queries out, earlier ones write them too: ``start_compute_ms`` tells them
    apart.
    """

    compute_ms: tuple[float, ...]
    h2d_ms: tuple[float, ...]
    d2h_ms: tuple[float, ...]
    latency_ms: tuple[float, ...]
    start_compute_ms: tuple[float, ...]
    start_enqueue_ms: tuple[float, ...] = ()
    end_enqueue_ms: tuple[float, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def enqueue_ms(self) -> tuple[float, ...]:
        """What the host took to start each query; empty where the file does not say it of every one."""
        starts, ends = self.start_enqueue_ms, self.end_enqueue_ms
        if not len(starts) == len(ends) == len(self.compute_ms):
            return ()
        return tuple(end - start for start, end in zip(starts, ends, strict=True))


def parse_times(text: str) -> TraceTimes:
    """The raw times in an ``--exportTimes`` file.

    Raises:
        ParseError: the text is not such a file (not JSON, cut short, or without compute times).

    """
    expected = "the JSON list that --exportTimes writes"
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError):
        raise not_understood("trtexec --exportTimes", text, expected) from None
    records = [record for record in loaded if isinstance(record, dict)] if isinstance(loaded, list) else []
    series = {name: _series(records, keys) for name, keys in _KEYS.items()}
    if not series["compute_ms"]:
        raise not_understood("trtexec --exportTimes", text, expected)
    findings = []
    if len(series["compute_ms"]) != len(loaded):
        message = f"{len(loaded) - len(series['compute_ms'])} of {len(loaded)} records have no compute time"
        findings.append(Finding("records_incomplete", message))
    if min(series["compute_ms"]) < 0:
        findings.append(Finding("negative_time", "a negative compute time was written"))
    return TraceTimes(**series, findings=tuple(findings))


def _series(records: list[dict[str, Any]], keys: tuple[str, str]) -> tuple[float, ...]:
    values = [_time(record.get(keys[0], record.get(keys[1]))) for record in records]
    return tuple(value for value in values if value is not None)


def _time(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 and not math.isnan(value) else None

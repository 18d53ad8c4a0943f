"""The numbers and settings that MLflow gets of a record: parameters and metrics. Pure functions, no MLflow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records.schema import Record
from harness.tracking.accuracy import accuracy_metrics, class_metrics
from harness.tracking.describe import (
    MAX_KEY,
    MAX_PARAM,
    allowed_key,
    at,
    clip,
    device_name,
    group_name,
    inputs_text,
    milliseconds,
    text,
    weights_text,
)

_DERIVED = ("range", "max_abs_over_range", "opset")
_UNSAID = ("tracking", "limits")
_OF_ACCURACY = ("dataset", "evaluate")
# Settings that a chosen parameter says already. MLflow's compare page draws every parameter that differs as an axis:
# the batch size must stand in one of them only, and hashes in none.
_HEADLINES = (
    "model", "batchsize", "soc_version", "backend", "precision", "measure", "export.opset", "seed", "model.inputs",
    "model.published",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One value of a metric: ``step`` is the round for per-repeat values and 0 for a cell's headline."""

    key: str
    value: float
    step: int
    timestamp_ms: int


def params(record: Record) -> dict[str, str]:
    """The run's parameters: what a reader compares first, then every setting under the key it has on a command line."""
    settings = record.settings
    weights = record.weights
    chosen: dict[str, Any] = {
        "model": group_name(settings.get("model")),
        "batchsize": settings.get("batchsize"),
        "soc_version": group_name(settings.get("soc_version")),
        "device": device_name(record),
        "backend": group_name(settings.get("backend")),
        "precision": group_name(settings.get("precision")),
        "opset": at(settings, "export.opset") or (record.graph or {}).get("opset"),
        "measure": group_name(settings.get("measure")),
        "weights": weights_text(record),
        "checkpoint_sha256": weights.sha256 if weights else None,
        "inputs": inputs_text(settings) or None,
        "seed": settings.get("seed"),
        "harness_version": record.harness_version or None,
    }
    found = {key: value for key, value in chosen.items() if value is not None}
    evaluates = at(settings, "evaluate.enabled")
    unused = {"simulator": record.source == "measured", "convert": record.conversion is None}
    for key, value in _flat(settings):
        headline = key in _HEADLINES or (key.endswith(".name") and key[:-5] in _HEADLINES)
        group = key.split(".", 1)[0]
        if unused.get(group):
            continue
        if not headline and group not in _UNSAID and (evaluates or group not in _OF_ACCURACY):
            found.setdefault(key, value)
    return _unique({key: clip(text(value), MAX_PARAM) for key, value in found.items()})


def metrics(record: Record, folder: Path | None = None) -> list[Point]:
    """Headline metrics of the cell (step 0) and the values of every repeat (``repeat/...``, step is the round).

    With the record's ``folder`` also those of every class that accuracy was computed for.
    """
    finished = milliseconds(record.finished)
    known = _headline(record) | (class_metrics(record, folder) if folder else {})
    headline = {key: value for key, value in known.items() if value is not None and math.isfinite(value)}
    points = [
        Point(key, value if "/" in key else _rounded(value), 0, finished) for key, value in _unique(headline).items()
    ]
    batchsize = record.settings.get("batchsize")
    for repeat in record.repeats:
        values = {
            "repeat/throughput": 1000 * batchsize / repeat.mean_ms if batchsize and repeat.mean_ms > 0 else None,
            "repeat/latency_ms": repeat.median_ms,
            "repeat/iterations": repeat.iterations,
            "repeat/load_s": repeat.load_s,
            "repeat/peak_memory_gb": _gb(repeat.peak_memory_bytes),
        }
        time = milliseconds(repeat.started)
        points += [
            Point(key, _rounded(value), repeat.round, time)
            for key, value in values.items()
            if value is not None and math.isfinite(value)
        ]
    return points


def _headline(record: Record) -> dict[str, float | None]:
    summary = record.summary
    repeats = record.repeats
    memory = [step.peak_memory_bytes for step in record.steps if step.peak_memory_bytes is not None]
    measured = [repeat.peak_memory_bytes for repeat in repeats if repeat.peak_memory_bytes is not None]
    found: dict[str, float | None] = {}
    if summary is not None:
        offline = summary.offline_throughput
        halfwidth = summary.throughput.relative_halfwidth
        found |= {
            "throughput": summary.throughput.mean,
            "throughput_low": summary.throughput.low,
            "throughput_high": summary.throughput.high,
            "interval_percent": 100 * halfwidth if halfwidth is not None else None,
            "latency_ms": summary.latency_ms.mean,
            "latency_ms_low": summary.latency_ms.low,
            "latency_ms_high": summary.latency_ms.high,
            "offline_throughput": offline.mean if offline else None,
            "iterations": summary.iterations,
            "spread_between_percent": _percent(summary.spread_between),
            "spread_within_percent": _percent(summary.spread_within),
        }
        for name, tail in summary.percentiles.items():
            found |= {f"latency_{name}_ms": tail.value_ms, f"latency_{name}_upper_ms": tail.upper_ms}
        total = summary.throughputs.get("end_to_end")
        if total is not None and summary.boundary != "end_to_end":
            found |= {"throughput_end_to_end_low": total.low, "throughput_end_to_end_high": total.high}
    if repeats:
        found["processes"] = len(repeats)
        found["load_s"] = sum(repeat.load_s for repeat in repeats) / len(repeats)
        found |= _boundaries(record)
        found["first_iteration_ms"] = sum(repeat.first_iteration_ms for repeat in repeats) / len(repeats)
        found["findings"] = sum(len(repeat.findings) for repeat in repeats)
        found |= _telemetry(record)
    found["max_batch"] = record.max_batch.batchsize if record.max_batch else None
    found["peak_memory_gb"] = _gb(max(memory)) if memory else None
    found["peak_memory_measure_gb"] = _gb(max(measured)) if measured else None
    for step in record.steps:
        if not step.cached:
            key = f"wall_s/{step.stage}"
            found[key] = (found.get(key) or 0.0) + step.wall_s
    found |= {f"parity/{key}": value for key, value in _numbers(record.parity or {}, depth=3)}
    found |= accuracy_metrics(record)
    found |= {f"graph/{key}": value for key, value in _numbers(record.graph or {}, depth=1)}
    return {key: value for key, value in found.items() if key.rpartition("/")[2] not in _DERIVED}


def _boundaries(record: Record) -> dict[str, float | None]:
    """The means of what was timed beside the headline, over the processes; end-to-end throughput under its own name."""
    found: dict[str, float | None] = {}
    for boundary in dict.fromkeys(name for repeat in record.repeats for name in repeat.means_ms):
        means = [repeat.means_ms[boundary] for repeat in record.repeats if boundary in repeat.means_ms]
        if boundary != record.repeats[0].boundary:
            found[f"{boundary}_ms"] = sum(means) / len(means)
    mean = found.get("end_to_end_ms")
    batchsize = record.settings.get("batchsize")
    if mean and batchsize:
        found["throughput_end_to_end"] = 1000 * batchsize / mean
    return found


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _telemetry(record: Record) -> dict[str, float]:
    """Means over rounds, and the peak of all; energy of a sample and the share that the device takes at rest."""
    told = [repeat.telemetry for repeat in record.repeats if repeat.telemetry is not None]
    found: dict[str, float] = {}
    for name in dict.fromkeys(name for each in told for name in each.values):
        values = [each.values[name] for each in told if name in each.values]
        key, factor = ("memory_used_gb", 1e-9) if name == "memory_used_bytes" else (name, 1.0)
        found[f"telemetry/{key}"] = factor * sum(each["mean"] for each in values) / len(values)
        found[f"telemetry/{key}_peak"] = factor * max(each["peak"] for each in values)
    for name in ("energy_per_sample_j", "idle_power_w", "idle_share"):
        known = [value for each in told if (value := getattr(each, name)) is not None]
        if known:
            found[f"telemetry/{name}"] = sum(known) / len(known)
    if told:
        found["telemetry/throttled_s"] = sum(each.throttled_s for each in told)
        found["telemetry/left_out"] = sum(each.left_out for each in told)
    return found


def _numbers(value: Mapping[str, Any], depth: int, prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers in nested mappings as (path, value), at most ``depth`` levels down; truth values are not numbers."""
    for key, item in value.items():
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            yield f"{prefix}{key}", float(item)
        elif isinstance(item, Mapping) and depth > 1:
            yield from _numbers(item, depth - 1, f"{prefix}{key}/")


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings as (dotted key, value); a list is a leaf."""
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def _unique(named: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with keys that MLflow accepts; two keys that become equal are told apart by a number."""
    found: dict[str, Any] = {}
    for key, value in named.items():
        base = allowed = allowed_key(key)
        number = 2
        while allowed in found:
            allowed = f"{base[: MAX_KEY - 8]}_{number}"
            number += 1
        found[allowed] = value
    return found


def _rounded(value: float) -> float:
    """Six significant digits fit MLflow's columns; a whole number stays whole. The record has all digits."""
    return float(value) if float(value).is_integer() else float(f"{value:.6g}")


def _gb(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else size_bytes / 1e9

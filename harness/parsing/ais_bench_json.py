"""A log of ais_bench as JSON values."""

from __future__ import annotations

from typing import Any

from harness.parsing.ais_bench_log import AisBenchLog
from harness.parsing.ais_bench_runs import Shape, ShapeRange
from harness.parsing.ais_bench_summary import AisBenchSummary


def to_json(log: AisBenchLog) -> dict[str, Any]:
    """The log as JSON values; keys ``stats throughput codes findings`` always, others where there is something."""
    out: dict[str, Any] = {
        "stats": [{"name": timing.name, **timing.to_json()} for timing in log.timings],
        "throughput": [line.to_json() for line in log.throughputs],
        "codes": list(log.codes),
    }
    if log.generation:
        out["generation"] = log.generation
    if log.summary is not None:
        out.update(_summary_json(log.summary))
    if log.devices is not None:
        out["devices"] = [
            {"device": device.device_id, "throughput": device.samples_per_s} for device in log.devices.devices
        ]
        if log.devices.summary_samples_per_s is not None:
            out["summary_throughput"] = log.devices.summary_samples_per_s
        if log.devices.result is not None:
            out["result"] = log.devices.result
    if log.ranges:
        out["range"] = [_range_json(entry) for entry in log.ranges]
        out["range_shapes"] = [[_shape_json(shape) for shape in entry.shapes] for entry in log.ranges]
    if log.energies:
        energies = [{"npu": npu, "J": joules} for npu, joules in log.energies]
        out["energy"] = energies[0]
        if len(energies) > 1:
            out["energies"] = energies
    if log.legacy:
        out["legacy"] = [line.to_json() for line in log.legacy]
    if log.detected_batchsizes:
        out["autodetected_batchsize"] = list(log.detected_batchsizes)
    if log.file_batches:
        out["filesperbatch"] = [
            {
                "file0": batch.file0_bytes,
                "tensor0": batch.tensor0_bytes,
                "filesperbatch": batch.files_per_batch,
                "runcount": batch.run_count,
            }
            for batch in log.file_batches
        ]
    out.update(_failure_json(log))
    out["findings"] = [finding.to_json() for finding in log.findings]
    return out


def _summary_json(summary: AisBenchSummary) -> dict[str, Any]:
    out: dict[str, Any] = {"json_stats": [{"name": timing.name, **timing.to_json()} for timing in summary.timings]}
    if summary.samples_per_s is not None:
        out["json_throughput"] = summary.samples_per_s
    counts = {timing.name: timing.count for timing in summary.timings if timing.count is not None}
    if counts:
        out["json_counts"] = counts
    if summary.compute_ms:
        out["json_compute_count"] = len(summary.compute_ms)
        out["json_compute_mean"] = sum(summary.compute_ms) / len(summary.compute_ms)
    return out


def _range_json(entry: ShapeRange) -> dict[str, Any]:
    out: dict[str, Any] = {"run": entry.run_count, "ok": entry.success_count}
    if entry.average_samples_per_s is not None:
        out["avg_throughput"] = entry.average_samples_per_s
    return out


def _shape_json(shape: Shape) -> dict[str, Any]:
    out: dict[str, Any] = {"shape": shape.shape, "ok": shape.ok, "throughput": shape.samples_per_s}
    if shape.batchsize is not None:
        out["batchsize"] = shape.batchsize
    return out


def _failure_json(log: AisBenchLog) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if log.failure is not None:
        out.update({"class": log.failure.category, "fatal": True, "failure": log.failure.to_json()})
    elif log.old_runtime:
        out.update({"class": "warning", "fatal": False})
    if log.failed_import:
        out["where"] = log.failed_import
    if log.sizes:
        out.update({"tensorsize": log.sizes[0], "filesize": log.sizes[1]})
    if log.output_axis is not None:
        out["fix"] = f"--output_batchsize_axis {log.output_axis}"
    return out

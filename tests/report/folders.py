"""Records of one or two machines as a sweep leaves them, with fixed numbers, and the folders that they lie in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.records.io import record_folder, write_record
from harness.records.schema import Estimate, Outcome, Record, Repeat, Source, Summary, Weights
from harness.timing.statistics import t_interval

STARTED = "2026-01-01T00:00:00+00:00"
WOBBLE = (0.99, 1.0, 1.01)


def measured(
    batchsize: int,
    per_s: float = 10.0,
    *,
    chip: str = "cpu",
    backend: str = "onnxruntime",
    precision: str = "fp32",
    model: str = "swin98",
    sweep: str = "20260101-000000-a",
    source: Source = "measured",
    copies_ms: float = 0.0,
    **changes: Any,
) -> Record:
    """A cell that gave ``per_s`` samples/s in three processes, the first 1 % below, the third 1 % above."""
    name = f"{model}-{chip}-{precision}-bs{batchsize}"
    values = [per_s * wobble for wobble in WOBBLE]
    throughput = t_interval(values)
    milliseconds = [1000 * batchsize / value for value in values]
    latency = t_interval(milliseconds)
    by_boundary = {"compute": _estimate(throughput)}
    if copies_ms:
        whole = [1000 * batchsize / (each + 2 * copies_ms) for each in milliseconds]
        by_boundary["end_to_end"] = _estimate(t_interval(whole))
    known: dict[str, Any] = {
        "record_id": f"{sweep}/{name}",
        "sweep_id": sweep,
        "cell": 0,
        "name": name,
        "started": STARTED,
        "finished": STARTED,
        "settings": {
            "model": {"name": model},
            "batchsize": batchsize,
            "soc_version": {"name": chip},
            "backend": {"name": backend},
            "precision": {"name": precision},
            "measure": {"name": "quick"},
        },
        "overrides": (f"model={model}", f"batchsize={batchsize}"),
        "outcome": Outcome(status="ok"),
        "source": source,
        "device": {"name": chip},
        "repeats": tuple(_repeat(place, each, copies_ms) for place, each in enumerate(milliseconds, start=1)),
        "summary": Summary(
            "compute", _estimate(throughput), _estimate(latency), None, 30, "stable", throughputs=by_boundary
        ),
        "weights": Weights(kind="checkpoint", trained=True, sha256="c" * 64),
        "fingerprint": {
            "model_sha256": f"{batchsize:x}" * 64,
            "inputs": {"input": [[batchsize, 3, 512, 512], "float32"]},
            "batchsize": batchsize,
            "precision": precision,
            "boundary": "compute",
            "backend": backend,
            "tools": {backend: "1.0"},
            "data": "seeded random (seed 0)",
        },
        "environment": {"hostname": "bench-01"},
    }
    return Record(**{**known, **changes})


def failed(batchsize: int, status: str = "oom", **changes: Any) -> Record:
    """A cell that gave no figures."""
    outcome = Outcome(status=status, stage="measure", reason="device_out_of_memory", message="EL0004: no memory")  # type: ignore[arg-type]
    return measured(batchsize, **{"outcome": outcome, "repeats": (), "summary": None, **changes})


def keep(record: Record, home: Path) -> Path:
    """Write the record into a home; returns its folder."""
    folder = record_folder(home, record.sweep_id, record.name)
    write_record(record, folder)
    return folder


def _repeat(number: int, mean_ms: float, copies_ms: float) -> Repeat:
    means = {"compute": mean_ms}
    if copies_ms:
        means |= {"h2d": copies_ms, "d2h": copies_ms, "end_to_end": mean_ms + 2 * copies_ms}
    return Repeat(
        round=number,
        started=STARTED,
        boundary="compute",
        iterations=10,
        mean_ms=mean_ms,
        median_ms=mean_ms,
        min_ms=mean_ms,
        max_ms=mean_ms,
        warmup_iterations=1,
        first_iteration_ms=mean_ms,
        load_s=1.0,
        window_s=1.0,
        samples_file=f"repeats/round-{number:02d}.npz",
        means_ms=means,
    )


def _estimate(value: Any) -> Estimate:
    return Estimate(value.mean, value.low, value.high, value.n)

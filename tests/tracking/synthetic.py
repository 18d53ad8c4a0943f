"""Records as a sweep leaves them, made without measuring: settings, steps, repeats, logs, samples, an ONNX blob."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from harness.records.io import record_folder, write_environment, write_record
from harness.records.schema import (
    Artifact,
    Estimate,
    Outcome,
    Record,
    Repeat,
    Step,
    Summary,
    Verdict,
    Weights,
)

ENVIRONMENT = {
    "python": "CPython 3.11.7",
    "platform": "Linux-6.1-x86_64-with-glibc2.36",
    "hostname": "bench-01",
    "user": "ada",
    "cpu": {"model": "Example CPU @ 2.50GHz", "physical_cores": 2, "logical_cores": 4},
    "harness": {"version": "0.1.0", "git": {"commit": "c" * 40, "branch": "main", "dirty": False}},
    "packages": {"onnxruntime": "1.31.1", "numpy": "2.4.6", "mlflow": "3.17.2"},
    "variables": {"OMP_NUM_THREADS": "2"},
}


def settings(batchsize: int, *, precision: str = "fp32", tracking: dict[str, Any] | None = None) -> dict[str, Any]:
    """The frozen configuration of a swin98 cell, as ``record.json`` holds it."""
    return {
        "model": {
            "name": "swin98",
            "kind": "upernet_swin",
            "task": "segmentation",
            "inputs": [
                {"name": "input", "shape": [batchsize, 3, 512, 512], "dtype": "float32", "low": None, "high": None}
            ],
            "outputs": ["output"],
            "options": {
                "image_size": 512,
                "embed_dims": 96,
                "depths": [2, 2, 18, 2],
                "num_heads": [3, 6, 12, 24],
                "window_size": 7,
                "decode_channels": 512,
                "num_classes": 150,
            },
            "checkpoint": None,
            "seed": 0,
        },
        "batchsize": batchsize,
        "soc_version": {"name": "cpu", "default_backend": "onnxruntime"},
        "backend": {
            "name": "onnxruntime",
            "kind": "onnxruntime",
            "default_precision": "fp32",
            "options": {"arena": False, "intra_op_threads": 0, "inter_op_threads": 1, "graph_optimization": "all"},
        },
        "precision": {"name": precision, "dtype": "float32"},
        "measure": {
            "name": "smoke",
            "rounds": 3,
            "warmup_iterations": 1,
            "warmup_s": 0.0,
            "min_iterations": 5,
            "min_time_s": 2.0,
            "budget_s": 30.0,
            "floor_iterations": 2,
        },
        "tracking": {"enabled": True, "uri": None, "experiment": "harness", "log_onnx": True, **(tracking or {})},
        "export": {"opset": 11, "simplify": True},
        "parity": {
            "enabled": True,
            "samples": 1,
            "min_cosine": 0.9999,
            "max_abs_over_range": 1e-3,
            "min_argmax_agreement": 0.995,
        },
        "limits": {
            "export_s": 1800.0,
            "simplify_s": 1800.0,
            "parity_s": 1800.0,
            "convert_s": 7200.0,
            "measure_s": 3600.0,
            "memory_gb": "auto",
        },
        "seed": 0,
    }


def put_blob(home: Path, content: bytes, suffix: str = ".onnx") -> Artifact:
    """A file in the store of the home."""
    artifact = Artifact(hashlib.sha256(content).hexdigest(), len(content), suffix)
    path = home / "store" / "blobs" / f"{artifact.sha256}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return artifact


def make_record(
    home: Path,
    *,
    sweep: str = "20260101-120000-swin98",
    cell: int = 0,
    batchsize: int = 1,
    rounds: int = 3,
    status: str = "ok",
    onnx: bytes | None = b"onnx",
    tracking: dict[str, Any] | None = None,
    throughput: float = 0.4,
    verdict: Verdict = "stable",
    name: str | None = None,
    log: str = "",
) -> tuple[Path, Record]:
    """Write the folder of one cell and return it with its record. ``status`` other than ok fails in measure."""
    name = name or f"swin98/cpu/fp32/bs{batchsize}"
    folder = record_folder(home, sweep, name)
    artifacts = {}
    if onnx is not None:
        artifacts["simplified"] = put_blob(home, onnx)
    mean = 1000 * batchsize / throughput
    rng = np.random.default_rng(cell)
    repeats = []
    (folder / "repeats").mkdir(parents=True, exist_ok=True)
    (folder / "logs").mkdir(exist_ok=True)
    ok = status == "ok"
    for number in range(1, rounds + 1 if ok else 1):
        times = mean * (1 + 0.01 * rng.standard_normal(5) + 0.005 * number)
        np.savez_compressed(folder / f"repeats/round-{number:02d}.npz", compute_ms=times, warmup_ms=times[:1] * 1.2)
        (folder / f"logs/measure-{number:02d}.log").write_text(f"round {number}: 5 iterations\n")
        repeats.append(
            Repeat(
                round=number,
                started=f"2026-01-01T12:{number:02d}:00.000+00:00",
                boundary="compute",
                iterations=5,
                mean_ms=float(times.mean()),
                median_ms=float(np.median(times)),
                min_ms=float(times.min()),
                max_ms=float(times.max()),
                warmup_iterations=1,
                first_iteration_ms=float(times[0] * 1.2),
                load_s=1.5,
                window_s=float(times.sum() / 1000),
                samples_file=f"repeats/round-{number:02d}.npz",
                peak_memory_bytes=2_100_000_000 + 300_000_000 * batchsize,
                conditions={"before": {"load_average": [0.2, 0.1, 0.1], "governor": "performance"}},
            )
        )
    (folder / "logs/export.log").write_text("exported 1509 nodes\n")
    last = Outcome(
        status=status, stage="measure", reason="killed", message="killed by signal 9", hint="use less memory"
    )  # type: ignore[arg-type]
    steps = [
        Step(
            "export", Outcome("ok", "export"), started="2026-01-01T12:00:01+00:00", wall_s=62.3, log="logs/export.log"
        ),
        Step("simplify", Outcome("ok", "simplify"), cached=True, key="a" * 64),
        *(
            Step(
                "measure",
                Outcome("ok", "measure"),
                round=repeat.round,
                started=repeat.started,
                wall_s=31.0,
                peak_memory_bytes=repeat.peak_memory_bytes,
                exit_status=0,
                log=f"logs/measure-{repeat.round:02d}.log",
            )
            for repeat in repeats
        ),
    ]
    if not ok:
        (folder / "logs/measure-01.log").write_text(log or "loading\nRunning out of memory\n")
        steps.append(Step("measure", last, round=1, wall_s=4.0, exit_status=-9, log="logs/measure-01.log"))
    rates = [1000 * batchsize / repeat.mean_ms for repeat in repeats]
    half = 0.02 * throughput
    summary = (
        Summary(
            boundary="compute",
            throughput=Estimate(
                sum(rates) / len(rates), sum(rates) / len(rates) - half, sum(rates) / len(rates) + half, len(rates)
            ),
            latency_ms=Estimate(mean, mean * 0.98, mean * 1.02, len(rates)),
            offline_throughput=Estimate(throughput * 0.99, throughput * 0.97, throughput * 1.01, len(rates)),
            iterations=5 * len(rates),
            verdict=verdict,
        )
        if ok
        else None
    )
    record = Record(
        record_id=f"{sweep}-{cell:04d}",
        sweep_id=sweep,
        cell=cell,
        name=name,
        started="2026-01-01T12:00:00.000+00:00",
        finished=f"2026-01-01T12:{30 + rounds:02d}:00.000+00:00",
        settings=settings(batchsize, tracking=tracking),
        overrides=("model=swin98", f"batchsize={batchsize}", "measure=smoke"),
        outcome=Outcome("ok") if ok else last,
        source="measured",
        device={"name": "cpu", "kind": "cpu", "cpu_model": "Example CPU @ 2.50GHz", "logical_cores": 2},
        steps=tuple(steps),
        repeats=tuple(repeats),
        summary=summary,
        weights=Weights(kind="random", trained=False, seed=0),
        parity={"simplified": {"cosine": 0.99999994, "max_abs": 2.1e-5, "max_abs_over_range": 1.2e-6}},
        graph={"nodes": 1400, "initializers": 420, "size_bytes": 330_000_000, "operators": {"Conv": 12, "MatMul": 100}},
        artifacts=artifacts,
        fingerprint={"tools": {"onnxruntime": "1.31.1"}, "boundary": "compute", "batchsize": batchsize},
        environment=ENVIRONMENT,
        harness_version="0.1.0",
    )
    write_environment({**ENVIRONMENT, "package_list": ["numpy==2.4.6", "onnxruntime==1.31.1"]}, folder)
    write_record(record, folder)
    return folder, record

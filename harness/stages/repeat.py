"""From the raw samples of one process to its repeat in the record, and to the file that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.records.schema import Repeat
from harness.stages.surroundings import Surroundings
from harness.timing.samples import Samples


def kept(samples: Samples, record: Path, number: int) -> str:
    """Write the raw times into the record's folder; returns the file's name in it."""
    name = f"repeats/round-{number:02d}.npz"
    target = record / name
    target.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {f"{boundary}_ms": times for boundary, times in samples.times_ms.items()}
    with target.open("wb") as file:
        np.savez_compressed(file, warmup_ms=samples.warmup_ms, **arrays)
    return name


def built(samples: Samples, boundary: str, number: int, *, started: str, file: str, around: Surroundings) -> Repeat:
    """The repeat: the times of the headline boundary in short, what surrounded them, where the raw ones are."""
    times = samples.times_ms[boundary]
    return Repeat(
        round=number,
        started=started,
        boundary=boundary,
        iterations=int(times.size),
        mean_ms=float(times.mean()),
        median_ms=float(np.median(times)),
        min_ms=float(times.min()),
        max_ms=float(times.max()),
        warmup_iterations=int(samples.warmup_ms.size),
        first_iteration_ms=samples.first_iteration_ms(boundary),
        load_s=samples.load_s,
        window_s=samples.window_s,
        samples_file=file,
        means_ms={name: float(values.mean()) for name, values in samples.times_ms.items() if values.size},
        conditions=around.conditions(samples),
        warmup_s=samples.warmup_s,
        steady=samples.steady,
        findings=around.findings(samples),
    )

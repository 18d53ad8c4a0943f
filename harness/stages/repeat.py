"""From the raw samples of one process to its repeat in the record, and to the file that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.files import replacing
from harness.records.schema import Finding, Repeat, Tail, Telemetry
from harness.stages.audit import Audit
from harness.stages.request import Request
from harness.stages.surroundings import Surroundings
from harness.timing.boundaries import with_end_to_end
from harness.timing.samples import FloatArray, Samples
from harness.timing.statistics import PERCENTILES, coefficient_of_variation, percentile
from harness.timing.telemetry import Mask, Series, Span, energy, summary, throttled_spans, untouched


def samples_file(number: int) -> str:
    """Where the raw times of a round stand in the record's folder."""
    return f"repeats/round-{number:02d}.npz"


def telemetry_file(number: int) -> str:
    """Where the telemetry of a round stands in the record's folder."""
    return f"telemetry/round-{number:02d}.csv"


def built(
    request: Request, samples: Samples, boundary: str, started: str, *, around: Surroundings, audit: Audit
) -> Repeat:
    """The repeat: the times in short, what surrounded them, and where the raw ones are, which are written here.

    Iterations in which the device throttled are in the file (``kept`` is False) and in no estimate, unless too few
    would be left.
    """
    number = request.round or 1
    raw = samples.times_ms[boundary]
    told, mask = _telemetry(samples, raw, request, around)
    findings = [*around.findings(samples), *audit.findings]
    if told is not None and told.throttled_s > 0:
        enough = int(mask.sum()) >= request.settings.measure.floor_iterations
        told, mask = (told, mask) if enough else (_all_kept(told), np.ones_like(mask))
        findings.append(_throttled(told, raw.size))
    _write(request.record / samples_file(number), samples, mask)
    times = raw[mask]
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
        samples_file=samples_file(number),
        means_ms=_means(samples.times_ms, mask),
        conditions={**around.conditions(samples), **({"audit": audit.figures} if audit.figures else {})},
        warmup_s=samples.warmup_s,
        steady=samples.steady,
        findings=tuple(findings),
        telemetry=told,
        percentiles=_percentiles(times),
        spread=coefficient_of_variation(times),
    )


def _telemetry(
    samples: Samples, times: FloatArray, request: Request, around: Surroundings
) -> tuple[Telemetry | None, Mask]:
    """What the sampler saw in the timed window, or in the whole measurement where the window is not known."""
    everything = np.ones(times.size, dtype=np.bool_)
    series = around.series
    if series is None:
        return None, everything
    timed = samples.began_s is not None
    window = (samples.began_s, samples.began_s + samples.window_s) if samples.began_s is not None else around.span
    used = energy(series, window, around.idle_span) if timed else None
    spans = throttled_spans(series, window) if timed else ()
    throttled_s = sum(end - begin for begin, end in spans)
    mask = untouched(times, window, spans) if spans else everything
    told = Telemetry(
        file=telemetry_file(request.round or 1),
        readings=_readings(series, window),
        rate_hz=round(_rate_hz(series), 2),
        values=summary(series, window),
        energy_j=used.energy_j if used else None,
        energy_per_sample_j=used.energy_j / (times.size * request.settings.batchsize) if used else None,
        idle_power_w=used.idle_w if used else None,
        idle_share=used.idle_share if used else None,
        throttled_s=throttled_s,
        throttle_reasons=tuple(sorted({part for text in series.reasons for part in text.split("+") if part})),
        left_out=int((~mask).sum()),
    )
    return told, mask


def _percentiles(times: FloatArray) -> dict[str, Tail]:
    """The percentiles that so many iterations earn."""
    found = {name: percentile(times, p) for name, p in PERCENTILES.items()}
    return {name: Tail(each.value, each.upper) for name, each in found.items() if each is not None}


def _all_kept(told: Telemetry) -> Telemetry:
    return Telemetry(**{**told.__dict__, "left_out": 0})


def _throttled(told: Telemetry, iterations: int) -> Finding:
    why = ", ".join(told.throttle_reasons) or "its clock fell below 75 % of the nominal one"
    what = (
        f"{told.left_out} of {iterations} iterations are left out"
        if told.left_out
        else "too much of the window to leave anything out"
    )
    return Finding("throttled", f"the device throttled for {told.throttled_s:.1f} s ({why}): {what}")


def _means(times_ms: Mapping[str, FloatArray], mask: Mask) -> dict[str, float]:
    """The mean by boundary; a boundary of which only the mean is known has one value."""
    means = {
        name: float((values[mask] if values.size == mask.size else values).mean())
        for name, values in times_ms.items()
        if values.size
    }
    return with_end_to_end(means)


def _readings(series: Series, window: Span) -> int:
    return int(((series.time_s >= window[0]) & (series.time_s <= window[1])).sum())


def _rate_hz(series: Series) -> float:
    times = series.time_s
    return float((times.size - 1) / (times[-1] - times[0])) if times.size > 1 and times[-1] > times[0] else 0.0


def _write(target: Path, samples: Samples, mask: Mask) -> None:
    arrays: dict[str, Any] = {f"{boundary}_ms": times for boundary, times in samples.times_ms.items()}
    if not mask.all():
        arrays["kept"] = mask
    with replacing(target) as file:
        np.savez_compressed(file, warmup_ms=samples.warmup_ms, **arrays)

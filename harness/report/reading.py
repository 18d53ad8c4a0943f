"""Turns records and references into rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.records.floors import Floor, floor_of
from harness.records.found import Found
from harness.records.references import Reference
from harness.records.schema import Estimate, Outcome, Repeat
from harness.records.tabled import AnyRecord, parse_tabled
from harness.report.rows import END_TO_END, HEADLINE, Row
from harness.report.words import hardware


def row_of(found: Found, floors: Sequence[Floor] = ()) -> Row:
    """The row of a record that was found; ``floors`` are the noise floors of its home.

    Raises:
        HarnessError: what was found is a problem, or the record is damaged, incomplete, or of an unknown version.
    """
    if found.problem is not None:
        raise HarnessError(found.problem)
    record = parse_tabled(found.content or b"", Path(found.place))
    lacking = _lacking(record)
    if lacking:
        raise HarnessError(f"its settings say nothing of {', '.join(lacking)}; it cannot stand in a table")
    floor = floor_of(floors, record)
    return record_row(
        record,
        found.place,
        found.folder,
        floor=floor.floor if floor else None,
        run=found.run,
        content=found.content if found.folder is None else None,
    )


def _lacking(record: AnyRecord) -> list[str]:
    """What a row cannot do without."""
    names = [group for group in ("model", "soc_version") if not _text(record.settings, group, "name")]
    return [*names, *([] if (_batchsize(record) or 0) > 0 else ["batchsize"])]


def record_row(record: AnyRecord, place: str, folder: Path | None = None, **known: Any) -> Row:
    """The row of a record at hand, which came from ``place`` and has its other files in ``folder``.

    ``known`` are fields of the row that no record holds: ``floor``, ``run``, ``content``.
    """
    summary = record.summary
    return Row(
        source=record.source,
        model=_text(record.settings, "model", "name") or "?",
        soc_version=_text(record.settings, "soc_version", "name"),
        batchsize=_batchsize(record),
        precision=_text(record.settings, "precision", "name"),
        backend=_text(record.settings, "backend", "name"),
        boundary=summary.boundary if summary else None,
        outcome=record.outcome,
        place=place,
        throughputs=_throughputs(record),
        rounds=_rounds(record),
        latency_ms=summary.latency_ms if summary else None,
        percentiles=summary.percentiles if summary else {},
        means_ms=_means(record.repeats),
        verdict=summary.verdict if summary else None,
        findings=tuple(dict.fromkeys(each.code for repeat in record.repeats for each in repeat.findings)),
        joules_per_sample=_joules(record.repeats),
        accuracy=record.accuracy,
        weights=record.weights,
        fingerprint=record.fingerprint,
        hardware=hardware(record),
        host=_text(record.environment, "hostname"),
        profile=_text(record.settings, "measure", "name"),
        overrides=record.overrides,
        interleaved=record.interleaved,
        sweep_id=record.sweep_id,
        name=record.name,
        record_id=record.record_id,
        started=record.started,
        iterations=tuple(repeat.iterations for repeat in record.repeats),
        harness_version=record.harness_version,
        folder=folder,
        files=tuple(repeat.samples_file for repeat in record.repeats),
        **known,
    )


def reference_row(reference: Reference) -> Row:
    """The row of a published number. Its fingerprint holds what the source states, and None for what it does not."""
    boundary = reference.boundary or HEADLINE
    throughput = reference.throughput
    return Row(
        source=reference.source,
        model=reference.model,
        soc_version=reference.chip,
        batchsize=reference.batchsize,
        precision=reference.precision,
        backend=None,
        boundary=reference.boundary,
        outcome=Outcome(status=reference.outcome),
        place=reference.citation.words,
        throughputs={} if throughput is None else {boundary: Estimate(throughput, None, None, 0)},
        unit=reference.unit,
        stated=reference.throughput_stated,
        reference=reference,
        fingerprint={
            "model_sha256": None,
            "inputs": None,
            "batchsize": reference.batchsize,
            "precision": reference.precision,
            "boundary": reference.boundary,
            "tools": None,
            "data": None,
        },
    )


def _throughputs(record: AnyRecord) -> Mapping[str, Estimate]:
    """By boundary; records of schema version 1 have the headline only."""
    summary = record.summary
    if summary is None:
        return {}
    offline = {"offline": summary.offline_throughput} if summary.offline_throughput else {}
    return {summary.boundary: summary.throughput, **offline, **summary.throughputs}


def _rounds(record: AnyRecord) -> Mapping[str, Mapping[int, float]]:
    """Samples/s by boundary and round; copies alone are no boundary."""
    batchsize = _batchsize(record) or 1
    found: dict[str, dict[int, float]] = {}
    for repeat in record.repeats:
        for boundary, mean_ms in {repeat.boundary: repeat.mean_ms, **repeat.means_ms}.items():
            if mean_ms > 0 and boundary in {repeat.boundary, HEADLINE, END_TO_END}:
                found.setdefault(boundary, {})[repeat.round] = 1000 * batchsize / mean_ms
    return found


def _means(repeats: Sequence[Repeat]) -> Mapping[str, float]:
    """The mean over processes of each part's mean, in ms a batch."""
    parts: dict[str, list[float]] = {}
    for repeat in repeats:
        for part, mean_ms in {repeat.boundary: repeat.mean_ms, **repeat.means_ms}.items():
            parts.setdefault(part, []).append(mean_ms)
    return {part: sum(values) / len(values) for part, values in parts.items()}


def _joules(repeats: Sequence[Repeat]) -> float | None:
    """The mean over those processes whose telemetry knew an energy, idle power included."""
    told = [repeat.telemetry.energy_per_sample_j for repeat in repeats if repeat.telemetry is not None]
    known = [value for value in told if value is not None]
    return sum(known) / len(known) if known else None


def _batchsize(record: AnyRecord) -> int | None:
    value = record.settings.get("batchsize")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(mapping: Mapping[str, Any], *path: str) -> str | None:
    value: Any = mapping
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return None if value is None else str(value)

"""The gate's JSON: what it found, for programs, and the sweep's rows, so that the file is a later gate's baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.errors import HarnessError
from harness.report.gate import Judged, Judgement
from harness.report.gate_table import named
from harness.report.rows import Row

KIND = "harness.gate"
SCHEMA = 1
_ROWS = TypeAdapter(list[Row])
_LEFT_OUT = {"__all__": {"folder", "run", "content", "reference"}}


def gate_json(found: Judgement, rows: list[Row], *, verdict: str, status: int, headline: str, baseline: str) -> str:
    """What was found, with all digits; ``rows`` are the sweep's. Ends with a line feed."""
    content = {
        "kind": KIND,
        "schema_version": SCHEMA,
        "verdict": verdict,
        "exit_status": status,
        "headline": headline,
        "baseline": baseline,
        "boundary": found.boundary,
        "throughput_tolerance": found.tolerances.throughput,
        "accuracy_tolerance_points": found.tolerances.accuracy_points,
        "cells": [_cell(each) for each in found.cells],
        "only_now": [_which(row) for row in found.only_now],
        "only_before": [_which(row) for row in found.only_before],
        "rows": _ROWS.dump_python(rows, mode="json", exclude=_LEFT_OUT, exclude_defaults=True),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_gate(path: Path) -> list[Row]:
    """The rows of a gate's JSON.

    Raises:
        HarnessError: it is no such file, or of a later version.
    """
    wanted = "expected a JSON file that python -m harness.gate wrote"
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise HarnessError(f"{path}: not readable ({error}); {wanted}") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        is_report = isinstance(content, dict) and "tables" in content
        what = "a report, which holds no processes to compare" if is_report else "another kind of file"
        raise HarnessError(f"{path}: {what}; {wanted}, or a sweep, a folder of records, references")
    if content.get("schema_version") != SCHEMA:
        raise HarnessError(f"{path}: schema version {content.get('schema_version')}, this harness reads {SCHEMA}")
    try:
        return _ROWS.validate_python(content.get("rows"), strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise HarnessError(f"{path}: rows.{place}: {first['msg']}; {wanted}") from error


def _cell(cell: Judged) -> dict[str, Any]:
    found = cell.quotient
    return {
        **_which(cell.now),
        "verdict": cell.verdict,
        "reason": cell.reason,
        "outcome": cell.now.outcome.status,
        "source": {"now": cell.now.source, "before": cell.before.source},
        "ratio": found.ratio.ratio if found else None,
        "low": found.ratio.low if found else None,
        "high": found.ratio.high if found else None,
        "processes": found.ratio.n if found else 0,
        "noise_floor": found.floor if found else None,
        "unpaired_because": found.unpaired if found else None,
        "accuracy": [
            {"metric": each.metric, "before": each.before, "now": each.now, "points": each.change}
            for each in cell.metrics
        ],
        "differing": list(cell.differing),
        "unknown": list(cell.unknown),
        "baseline": _which(cell.before),
    }


def _which(row: Row) -> dict[str, Any]:
    throughput = row.throughput
    return {
        "cell": named(row),
        "model": row.model,
        "soc_version": row.soc_version,
        "batchsize": row.batchsize,
        "precision": row.precision,
        "sweep": row.sweep_id or None,
        "place": row.place,
        "throughput": throughput.mean if throughput else None,
        "unit": row.unit,
    }

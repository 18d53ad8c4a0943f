"""What MLflow is told of a record in words: status, tags, names, and the limits on them. Pure functions, no MLflow.

Limits and allowed characters are MLflow's own (``mlflow/utils/validation.py`` of 3.17): keys of at most 250 characters
out of letters, digits and ``_-. :/``, parameter values of at most 6000 characters, tag values of at most 8000.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from harness.records.redaction import redact_text
from harness.records.schema import Artifact, Record, Status
from harness.tracking.accuracy import LOGGED_TABLES, table_tag

MAX_KEY, MAX_PARAM, MAX_TAG = 250, 6000, 8000

RUN_STATUS: Mapping[Status, str] = {
    "ok": "FINISHED",
    "failed": "FAILED",
    "oom": "FAILED",
    "timeout": "FAILED",
    "crashed": "FAILED",
    "unsupported": "FAILED",
    "cancelled": "KILLED",
    "skipped": "KILLED",
}

# The artifact that is measured comes first; the others are what is left of a cell that failed before it was made.
_ONNX_NAMES = ("model", "rewritten", "simplified", "exported")


def milliseconds(time: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 time. Raises ValueError for anything else."""
    return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1000)


def onnx_artifact(record: Record) -> tuple[str, Artifact] | None:
    """Name and artifact of the ONNX file that was measured, or the last one that was made; None without any."""
    found = {name: artifact for name, artifact in record.artifacts.items() if artifact.suffix == ".onnx"}
    name = next((name for name in _ONNX_NAMES if name in found), None) or next(reversed(found), None)
    return (name, found[name]) if name is not None else None


def converted_artifact(record: Record) -> Artifact | None:
    """What a backend's tools made of the ONNX file (an OM file); None where the ONNX file itself was measured."""
    found = record.artifacts.get("model")
    return found if found is not None and found.suffix != ".onnx" else None


CHANGING_TAGS = (
    "harness.stage",
    "harness.reason",
    "harness.message",
    "harness.verdict",
    "harness.boundary",
    "harness.bound",
    "harness.findings",
    LOGGED_TABLES,
)
"""Tags that a later state of a record may no longer have."""


def tags(record: Record) -> dict[str, str]:
    """The run's tags but for its identity, publication and ONNX pointer, which the publisher adds."""
    git = at(record.environment, "harness.git") or {}
    onnx, converted = onnx_artifact(record), converted_artifact(record)
    codes = [str(each.get("code")) for each in (record.conversion or {}).get("warnings", ())]
    known: dict[str, Any] = {
        "harness.sweep": record.sweep_id,
        "harness.cell": record.cell,
        "harness.outcome": record.outcome.status,
        "harness.stage": record.outcome.stage,
        "harness.reason": record.outcome.reason,
        "harness.message": record.outcome.message,
        "harness.source": record.source,
        "harness.weights": weights_text(record),
        "harness.boundary": record.summary.boundary if record.summary else None,
        "harness.verdict": record.summary.verdict if record.summary else None,
        "harness.bound": record.summary.bound if record.summary else None,
        "harness.findings": " ".join(sorted({each.code for repeat in record.repeats for each in repeat.findings}))
        or None,
        "harness.device": device_name(record),
        "harness.host": record.environment.get("hostname"),
        "harness.overrides": " ".join(record.overrides) or None,
        "harness.interleaved": record.interleaved,
        "harness.rerun_of": record.rerun_of.words if record.rerun_of else None,
        "harness.rerun_of_record": record.rerun_of.record_id if record.rerun_of else None,
        "harness.schema": record.schema_version,
        "harness.onnx_sha256": onnx[1].sha256 if onnx else None,
        "harness.converted_sha256": converted.sha256 if converted else None,
        "harness.converter_codes": " ".join(dict.fromkeys(codes)) or None,
        LOGGED_TABLES: table_tag(record),
        "mlflow.source.name": "python -m harness",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": git.get("commit"),
        "mlflow.source.git.branch": git.get("branch"),
        "mlflow.source.git.dirty": git.get("dirty"),
        "mlflow.source.git.repoURL": git.get("remote"),
        "mlflow.user": record.environment.get("user"),
    }
    return {key: clip(text(value), MAX_TAG) for key, value in known.items() if value is not None}


def device_name(record: Record) -> str:
    """The device as people call it: its own name where it has one, else the soc_version."""
    known = record.device
    name = (known.get("cpu_model") if known.get("kind") == "cpu" else None) or known.get("name")
    return str(name or group_name(record.settings.get("soc_version")) or "unknown")


def inputs_text(settings: Mapping[str, Any]) -> str:
    """The network's inputs in a few words, with ``N`` for the batch size: ``input Nx3x512x512 float32``."""
    batchsize = settings.get("batchsize")
    found = []
    for spec in at(settings, "model.inputs") or ():
        shape = list(spec.get("shape") or ())
        axes = ["N" if index == 0 and axis == batchsize else str(axis) for index, axis in enumerate(shape)]
        found.append(f"{spec.get('name')} {'x'.join(axes)} {spec.get('dtype')}")
    return ", ".join(found)


def weights_text(record: Record) -> str | None:
    """Where the parameters came from, in a few words."""
    weights = record.weights
    if weights is None:
        return None
    if weights.kind == "random":
        return f"random (seed {weights.seed})"
    return f"{weights.kind} {weights.name or (weights.sha256 or 'without hash')[:12]}"


def allowed_key(key: str) -> str:
    """The key with every character that MLflow refuses replaced by ``_``, and no path that leaves its folder."""
    clean = re.sub(r"[^A-Za-z0-9_\-. :/]", "_", key)[:MAX_KEY]
    clean = re.sub(r"/{2,}", "/", clean).strip("/ ")
    parts = [("_" if part in {".", ".."} else part) for part in clean.split("/")]
    return "/".join(parts) or "_"


def text(value: Any) -> str:
    """A JSON value as one reads it: strings as they are, without secrets, the rest as JSON."""
    if isinstance(value, str):
        return redact_text(value)
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def clip(words: str, limit: int) -> str:
    """The words, cut to a number of characters with an ellipsis where there are more."""
    return words if len(words) <= limit else words[: limit - 1] + "…"


def group_name(group: Any) -> Any:
    """The ``name`` of a group of settings, or the value itself where it is none."""
    return group.get("name") if isinstance(group, Mapping) else group


def at(value: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None where the path ends early."""
    found: Any = value
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found

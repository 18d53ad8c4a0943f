"""The note on a run's page (``mlflow.note.content``): the row, how it was measured, and why a cell failed. Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.records.logs import log_excerpt
from harness.records.redaction import redact_text
from harness.records.schema import Estimate, Record
from harness.tracking.accuracy import accuracy_words
from harness.tracking.describe import MAX_TAG, device_name, inputs_text, onnx_artifact, weights_text


def note(record: Record, folder: Path, *, onnx_link: str | None = None) -> str:
    """The Markdown of one run, below MLflow's limit of 8000 characters. Foreign text is escaped.

    ``onnx_link`` is the address of the run that holds the ONNX file, where it is another one.
    """
    parts = [_result(record), _accuracy(record), _warnings(record), _table(record, onnx_link)]
    if record.outcome.status != "ok":
        parts.append(_log_excerpt(record, folder))
    text = "\n\n".join(part for part in parts if part)
    return text if len(text) <= MAX_TAG else text[: MAX_TAG - 2] + "\n…"


def escape(text: str) -> str:
    """The text as it stands, whatever Markdown or HTML it seems to hold; on one line, without control characters."""
    plain = " ".join(_printable(text).split())
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = re.sub(r"([\\`*_\[\]|~])", r"\\\1", plain)
    return re.sub(r"@(?=\w)", "&#64;", plain)  # MLflow's page makes a link of @name


def code_block(text: str) -> str:
    """The text as an indented code block, in which no character has a meaning."""
    return "\n".join(f"    {line}" for line in _printable(text).splitlines())


def _result(record: Record) -> str:
    summary = record.summary
    outcome = record.outcome
    if outcome.status != "ok":
        where = f" in {escape(outcome.stage)}" if outcome.stage else ""
        reason = f" ({escape(outcome.reason)})" if outcome.reason else ""
        text = f"**{outcome.status}**{where}{reason}"
        text += f": {escape(redact_text(outcome.message))}" if outcome.message else ""
        return text + (f"\n\nWhat to do: {escape(redact_text(outcome.hint))}" if outcome.hint else "")
    if summary is None:
        return "**ok**, nothing was measured."
    return (
        f"**{_interval(summary.throughput)} samples/s** · **{_interval(summary.latency_ms)} ms** a batch (median) · "
        f"{summary.verdict}"
    )


def _accuracy(record: Record) -> str:
    words = accuracy_words(record.accuracy)
    return f"**{escape(words)}**" if words else ""


def _warnings(record: Record) -> str:
    lines = []
    if record.source != "measured":
        lines.append(f"**These numbers are {record.source}, not measured.**")
    if record.weights is not None and not record.weights.trained:
        kind = "Random" if record.weights.kind == "random" else "Untrained"
        lines.append(f"{kind} weights: speed is real, outputs mean nothing.")
    if not record.interleaved:
        lines.append(
            "The repeats of this cell were not interleaved with those of the others: drift is not averaged out."
        )
    lines += [escape(redact_text(text)) for text in record.notes]
    return "\n\n".join(lines)


def _table(record: Record, onnx_link: str | None) -> str:
    settings = record.settings
    rows: list[tuple[str, str | None]] = [
        ("model", _at(settings, "model", "name")),
        ("batch size", str(settings.get("batchsize", ""))),
        ("inputs", inputs_text(settings)),
        ("device", f"{device_name(record)} ({_at(settings, 'soc_version', 'name')})"),
        ("backend", _backend(record)),
        ("precision", _at(settings, "precision", "name")),
        ("measured", _how(record)),
        ("weights", weights_text(record)),
        ("rerun of", record.rerun_of.words if record.rerun_of else None),
        ("parity", _parity(record)),
        ("sweep", record.sweep_id),
        ("overrides", " ".join(record.overrides) or None),
        ("harness", _version(record)),
    ]
    text = "\n".join(f"| {name} | {escape(value)} |" for name, value in rows if value)
    onnx = onnx_artifact(record)
    if onnx is not None:
        size_bytes = onnx[1].size_bytes
        size = f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.1f} kB"
        held = f" · [in another run]({onnx_link})" if onnx_link else ""
        text += f"\n| ONNX | `{onnx[1].sha256[:16]}` {size}{held} |"
    return f"| | |\n|---|---|\n{text}"


def _how(record: Record) -> str | None:
    summary = record.summary
    if summary is None:
        return None
    boundary = summary.boundary.replace("_", " ")
    return (
        f"{boundary} time, {summary.throughput.n} processes, {summary.iterations} timed iterations, "
        f"profile {_at(record.settings, 'measure', 'name')}, 95 % interval over processes"
    )


def _log_excerpt(record: Record, folder: Path) -> str:
    failed = [step for step in record.steps if step.outcome.status not in {"ok", "skipped"} and step.log]
    if not failed:
        return ""
    name = str(failed[-1].log)
    tail = log_excerpt(folder / name)
    return f"#### The end of `{name}`\n\n{code_block(tail)}" if tail else ""


def _interval(estimate: Estimate) -> str:
    """The mean with the half width of its interval, digits as the interval earns them."""
    half = None if estimate.low is None or estimate.high is None else (estimate.high - estimate.low) / 2
    if half is None:
        return f"{estimate.mean:.4g} (no interval, n={estimate.n})"
    digits = 0 if half >= 10 else 1 if half >= 1 else 2 if half >= 0.1 else 3
    return f"{estimate.mean:.{digits}f} ± {half:.{digits}f}"


def _backend(record: Record) -> str:
    name = _at(record.settings, "backend", "name")
    tools = record.fingerprint.get("tools")
    versions = ", ".join(f"{tool} {version}" for tool, version in tools.items()) if isinstance(tools, dict) else ""
    return f"{name} ({versions})" if versions else name


def _parity(record: Record) -> str | None:
    values = [f"{key} {value:.6g}" for key, value in (record.parity or {}).items() if isinstance(value, float)]
    return ", ".join(values) or None


def _version(record: Record) -> str:
    git: Mapping[str, Any] = (record.environment.get("harness") or {}).get("git") or {}
    commit = f" at {git['commit'][:10]}{' with changes' if git.get('dirty') else ''}" if git.get("commit") else ""
    return f"{record.harness_version}{commit}"


def _at(settings: Mapping[str, Any], group: str, key: str) -> str:
    value = settings.get(group)
    return str(value.get(key, "")) if isinstance(value, Mapping) else ""


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() or character in "\n\t" else " " for character in text)

"""What a report's page says of single records: why cells failed, with their logs, and the environments they ran in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError
from harness.records.logs import log_excerpt, printable
from harness.records.schema import Record
from harness.report.digits import MISSING
from harness.report.method_words import Language
from harness.report.page_words import page_word
from harness.report.query import record_of
from harness.report.rows import Row
from harness.report.table import Cell, Column, Table

MOST_FAILURES = 50
MOST_READ = 500
"""Records that are read whole again; with more, the newest."""
MOST_ENVIRONMENTS = 8
_PASSING = frozenset({"device.health", "variables.HARNESS_HOME"})
"""What tells nothing about an environment."""
_LONGEST = 200


@dataclass(frozen=True)
class Failure:
    """A cell that did not end well: its name, what is known of the reason, and the end of its log."""

    name: str
    sweep_id: str
    status: str
    stage: str
    reason: str
    message: str
    hint: str
    log_name: str
    log: str


@dataclass(frozen=True)
class Environments:
    """``differing`` has a row for each fact that differs and a column for each environment; ``same`` the others."""

    count: int
    shown: int
    differing: Table
    same: Table


def newest(rows: Sequence[Row], most: int = MOST_READ) -> list[Row]:
    """The newest rows of records."""
    own = [row for row in rows if row.reference is None]
    return sorted(own, key=lambda row: row.started, reverse=True)[:most]


def read_records(rows: Sequence[Row]) -> Iterator[tuple[Row, Record]]:
    """The whole records behind rows, without those that are gone or damaged by now."""
    for row in rows:
        try:
            record = record_of(row)
        except HarnessError:
            continue
        if record is not None:
            yield row, record


def failed_rows(rows: Sequence[Row]) -> list[Row]:
    """The cells that did not end well, the newest first; what was skipped did not fail."""
    return [row for row in newest(rows, len(rows)) if row.outcome.status not in {"ok", "skipped"}]


def failures(rows: Sequence[Row]) -> tuple[Failure, ...]:
    """The newest failures with the end of the log of the step that failed, where that is at hand."""
    return tuple(_failure(row, record) for row, record in read_records(failed_rows(rows)[:MOST_FAILURES]))


def _failure(row: Row, record: Record) -> Failure:
    outcome = record.outcome
    bad = [step for step in record.steps if step.outcome.status not in {"ok", "skipped"}]
    logs = [step.log for step in bad or record.steps if step.log]
    name = logs[-1] if logs else ""
    text = ""
    if name and row.folder is not None and (row.folder / name).resolve().is_relative_to(row.folder.resolve()):
        text = printable(log_excerpt(row.folder / name))
    return Failure(
        name=record.name,
        sweep_id=record.sweep_id,
        status=outcome.status,
        stage=outcome.stage or MISSING,
        reason=outcome.reason or MISSING,
        message=outcome.message or "",
        hint=outcome.hint or "",
        log_name=name,
        log=text,
    )


def environments(read: Sequence[tuple[Row, Record]], language: Language) -> Environments | None:
    """The environments that the records ran in, and how they differ; None without any record."""
    found: dict[str, tuple[Mapping[str, str], int]] = {}
    for _, record in read:
        facts = {key: value for key, value in _flat(_facts(record)) if key not in _PASSING}
        if facts:
            identity = json.dumps(facts, sort_keys=True)
            found[identity] = (facts, found.get(identity, (facts, 0))[1] + 1)
    if not found:
        return None
    shown = [facts for facts, _ in found.values()][:MOST_ENVIRONMENTS]
    counts = [count for _, count in found.values()][:MOST_ENVIRONMENTS]
    keys = list(dict.fromkeys(key for facts in shown for key in facts))
    differing = [key for key in keys if len({facts.get(key) for facts in shown}) > 1]
    columns = (
        Column("key", page_word(language, "key"), number=False),
        *(Column(str(n), page_word(language, "environment", number=n), number=False) for n in range(1, len(shown) + 1)),
    )
    amounts = (Cell(page_word(language, "cells_in")), *(Cell(str(count)) for count in counts))
    rows = tuple((Cell(key), *(Cell(facts.get(key, MISSING)) for facts in shown)) for key in differing)
    same = tuple((Cell(key), Cell(shown[0][key])) for key in keys if key not in differing)
    return Environments(
        len(found),
        len(shown),
        Table("environments-differing", "", columns, (amounts, *rows)),
        Table("environments-same", "", columns[:2], same),
    )


def _facts(record: Record) -> Mapping[str, Any]:
    return {**record.environment, "device": record.device}


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested mappings as ``packages.torch`` and texts; lists as one text, long ones cut."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    elif value is not None:
        text = str(value)
        yield name, text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

"""How far a cell is, read from its record without reading the rest: a resumed sweep asks this of ten thousand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from harness.records.io import RECORD_FILE
from harness.records.schema import READABLE_VERSIONS, MaxBatch, Outcome

_IGNORING = ConfigDict(extra="ignore", frozen=True)


@dataclass(config=_IGNORING)
class StandingStep:
    """Of a step only which it was and how it ended."""

    stage: str
    outcome: Outcome


@dataclass(config=_IGNORING)
class Standing:
    """Of a record only what says whether anything is left to do; the names are those of ``Record``."""

    outcome: Outcome
    schema_version: int
    steps: tuple[StandingStep, ...] = ()
    repeats: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()
    max_batch: MaxBatch | None = None


_ADAPTER = TypeAdapter(Standing)


def read_standing(folder: Path) -> Standing | None:
    """The standing of the cell whose record lies there; None where there is none that can be read."""
    try:
        standing = _ADAPTER.validate_json((folder / RECORD_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return standing if standing.schema_version in READABLE_VERSIONS else None

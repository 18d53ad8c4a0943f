"""What travels between the sweep and the process that runs a stage: a request in, a result out, both JSON files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from harness.config.schema import Settings
from harness.config.values import SCHEMA
from harness.records.schema import Artifact, Outcome


@dataclass(config=SCHEMA)
class Request:
    """One stage of one cell, ready to run: its cache key (None: never cached) and its input artifacts by name.

    ``record`` is the folder of the cell's record, where a measuring stage leaves its raw samples; ``round`` counts
    from 1. ``base_temperature_c`` is the lowest temperature of the device that this sweep has seen before a repeat.
    """

    stage: str
    settings: Settings
    store: Path
    record: Path
    key: str | None = None
    inputs: Mapping[str, Artifact] = Field(default_factory=dict)
    round: int | None = None
    base_temperature_c: float | None = None


def progress_file(record: Path, stage: str) -> Path:
    """Where a long stage says in one line how far it is, for whoever waits for it."""
    return record / "steps" / f"{stage}.progress"


@dataclass(config=SCHEMA)
class Result:
    """What a stage's process says of itself before it ends."""

    outcome: Outcome
    artifacts: Mapping[str, Artifact] = Field(default_factory=dict)
    info: Mapping[str, Any] = Field(default_factory=dict)
    peak_memory_bytes: int | None = None


REQUEST = TypeAdapter(Request)
RESULT = TypeAdapter(Result)

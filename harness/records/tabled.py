"""Of a record what a table shows: read without making objects of the rest, which is most of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import core_schema

from harness.records.io import parse_record
from harness.records.schema import (
    READABLE_VERSIONS,
    SCHEMA,
    SCHEMA_VERSION,
    Accuracy,
    MaxBatch,
    Original,
    Outcome,
    Record,
    Repeat,
    Source,
    Summary,
    Weights,
)


class _Only:
    """Of a JSON object the texts under some keys; the rest is passed over without making anything of it."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def __get_pydantic_core_schema__(self, *_: Any) -> core_schema.CoreSchema:
        text = core_schema.nullable_schema(core_schema.str_schema())
        fields = {key: core_schema.typed_dict_field(text, required=False) for key in self.keys}
        return core_schema.typed_dict_schema(fields, extra_behavior="ignore")


_Host = Annotated[Mapping[str, Any], _Only("hostname")]
_Unread = Annotated[Mapping[str, Any], _Only()]


@dataclass(config=SCHEMA)
class Tabled:
    """The fields of a :class:`Record`; of ``environment`` the host name alone, and what no table shows is empty."""

    record_id: str
    sweep_id: str
    cell: int
    name: str
    started: str
    finished: str
    settings: Mapping[str, Any]
    overrides: tuple[str, ...]
    outcome: Outcome
    source: Source
    device: Mapping[str, Any]
    steps: tuple[_Unread, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    summary: Summary | None = None
    weights: Weights | None = None
    accuracy: Accuracy | None = None
    max_batch: MaxBatch | None = None
    rerun_of: Original | None = None
    parity: _Unread | None = None
    graph: _Unread | None = None
    conversion: _Unread | None = None
    artifacts: _Unread = Field(default_factory=dict)
    fingerprint: Mapping[str, Any] = Field(default_factory=dict)
    environment: _Host = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    harness_version: str = ""
    interleaved: bool = True
    schema_version: int = SCHEMA_VERSION


AnyRecord = Record | Tabled
"""What all that a table shows can be asked of."""

_ADAPTER = TypeAdapter(Tabled)


def parse_tabled(content: bytes, path: Path) -> AnyRecord:
    """What a table shows of a record, from the bytes of its ``record.json``; ``path`` is named in the error.

    Raises:
        HarnessError: as :func:`harness.records.io.parse_record`.
    """
    try:
        tabled = _ADAPTER.validate_json(content)
    except ValidationError:
        return parse_record(content, path)  # which says what is wrong
    return tabled if tabled.schema_version in READABLE_VERSIONS else parse_record(content, path)

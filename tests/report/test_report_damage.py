"""A record may hold anything, within its schema and beyond: the report names it or shows it, and never dies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.records.found import Found
from harness.records.schema import Record
from harness.report.formats.choice import FORMATS
from harness.report.query import load
from tests.report.documents import NPU, accuracy, report
from tests.report.folders import measured

CONTENT = TypeAdapter(Record).dump_json(measured(4, accuracy=accuracy(0.4792, 4), copies_ms=3.0, **NPU))
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 20),
    st.sampled_from([0.0, 1e-320, 1e308, "NaN", "Infinity", "-Infinity", "", "cpu", "<b>", [], {}, "2026", "\x00"]),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in the record."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [at, *(place for key in keys for place in places(value[key], (*at, key)))]


PLACES = [place for place in places(json.loads(CONTENT)) if place]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(PLACES), LEAVES), min_size=1, max_size=4))
def test_a_record_with_anything_anywhere_is_shown_or_named(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    content = json.loads(CONTENT)
    for (*path, last), value in changes:
        holder = content
        try:
            for key in path:
                holder = holder[key]
            holder[last] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    damaged = Found("damaged", json.dumps(content).encode(), folder=Path("damaged"))
    loaded = load([damaged, Found("whole", CONTENT, folder=Path("whole"))])
    assert len(loaded.rows) + len(loaded.problems) in {1, 2}
    for language in ("en", "zh"):
        made = report(loaded, language, acceptance=True)
        for each in FORMATS.values():
            assert each.write(made)

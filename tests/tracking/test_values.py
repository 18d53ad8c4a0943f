"""What becomes of a record as numbers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.records.schema import MaxBatch
from harness.tracking.values import metrics
from tests.tracking.synthetic import make_record


@pytest.mark.parametrize(("found", "logged"), [(None, []), (MaxBatch(12, "oom"), [12.0]), (MaxBatch(None, "oom"), [])])
def test_the_largest_batch_is_a_metric_where_it_was_found(
    tmp_path: Path, found: MaxBatch | None, logged: list[float]
) -> None:
    _, record = make_record(tmp_path)
    points = metrics(dataclasses.replace(record, max_batch=found))
    assert [point.value for point in points if point.key == "max_batch"] == logged

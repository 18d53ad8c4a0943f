"""What tables read of a record is what the whole record says, and damage is refused alike."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.records.io import RECORD_FILE, parse_record
from harness.records.schema import Record
from harness.records.tabled import Tabled, parse_tabled
from harness.report.reading import record_row
from tests.tracking.synthetic import make_record

VERSIONS = sorted((Path(__file__).parent / "versions").glob("*.json"))


def test_the_fields_are_those_of_a_record() -> None:
    assert [field.name for field in dataclasses.fields(Tabled)] == [field.name for field in dataclasses.fields(Record)]


def test_records_of_every_version_give_the_same_row(tmp_path: Path) -> None:
    folder, _ = make_record(tmp_path)
    files = [*VERSIONS, folder / RECORD_FILE]
    assert len(files) > 4
    for file in files:
        content = file.read_bytes()
        tabled = parse_tabled(content, file)
        assert isinstance(tabled, Tabled)
        assert record_row(tabled, "here") == record_row(parse_record(content, file), "here")


@pytest.mark.parametrize("change", [{"schema_version": 99}, {"unheard_of": 1}, {"repeats": 3}, {"environment": []}])
def test_what_is_wrong_is_said_as_of_the_whole_record(tmp_path: Path, change: dict[str, object]) -> None:
    folder, _ = make_record(tmp_path)
    file = folder / RECORD_FILE
    content = json.dumps({**json.loads(file.read_bytes()), **change}).encode()
    with pytest.raises(HarnessError) as whole:
        parse_record(content, file)
    with pytest.raises(HarnessError) as tabled:
        parse_tabled(content, file)
    assert str(tabled.value) == str(whole.value)

"""Records are written whole or not at all, read with one-line errors, and found by the thousand."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.records.io import (
    home_of,
    iter_records,
    read_record,
    record_folder,
    write_environment,
    write_record,
)
from harness.records.schema import SCHEMA_VERSION, Estimate, Outcome, Record, Repeat, Step, Summary

SETTINGS: dict[str, Any] = {
    "model": {"name": "swin98", "options": {"depths": [2, 2, 18, 2]}, "checkpoint": None},
    "batchsize": 4,
    "tracking": {"uri": None},
}


def record(**changes: Any) -> Record:
    base = Record(
        record_id="r1",
        sweep_id="s1",
        cell=0,
        name="swin98/cpu/fp32/bs4",
        started="2026-01-01T12:00:00+00:00",
        finished="2026-01-01T12:30:00+00:00",
        settings=SETTINGS,
        overrides=("batchsize=4",),
        outcome=Outcome("ok"),
        source="measured",
        device={"name": "cpu"},
        steps=(Step("export", Outcome("ok", "export"), wall_s=1.5, log="logs/export.log"),),
        summary=Summary("compute", Estimate(1.5, 1.4, 1.6, 3), Estimate(2.0, None, None, 1), None, 15, "stable"),
    )
    return dataclasses.replace(base, **changes)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = record_folder(tmp_path, "s1", "swin98/cpu/fp32/bs4")
    path = write_record(record(), folder)
    assert path == tmp_path / "records/s1/swin98/cpu/fp32/bs4/record.json"
    assert read_record(folder) == record()
    assert [path.name for path in folder.iterdir()] == ["record.json"]


def test_broken_characters_do_not_lose_a_record(tmp_path: Path) -> None:
    write_record(record(outcome=Outcome("failed", message="caf\udce9")), tmp_path)
    assert read_record(tmp_path).outcome.message == "caf?"


@settings(max_examples=30, deadline=None)
@given(st.floats(), st.floats(allow_nan=False), st.text("aé中\n\"'{}\\\0"), st.none() | st.integers(0, 2**60))
def test_numbers_and_texts_survive(mean: float, low: float, message: str, memory: int | None) -> None:
    step = Step("measure", Outcome("failed", message="m: " + message), peak_memory_bytes=memory)
    written = record(
        summary=Summary("compute", Estimate(mean, low, None, 2), Estimate(1, None, None, 1), None, 1, "noisy"),
        steps=(step,),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_record(written, folder)
        read = read_record(folder)
    assert read.summary is not None
    assert repr(read.summary.throughput.mean) == repr(mean)
    assert read.summary.throughput.low == low
    assert read.steps[0].peak_memory_bytes == memory
    if message.isascii():
        assert read.steps[0].outcome.message == "m: " + message


def test_a_failed_write_leaves_the_old_record_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_record(record(), tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HarnessError, match=r"record\.json: cannot be written \(No space left on device\)"):
        write_record(record(cell=7), tmp_path)
    monkeypatch.undo()
    assert read_record(tmp_path).cell == 0
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match=r"file/sub/record\.json: cannot be written \(Not a directory\)"):
        write_record(record(), tmp_path / "file" / "sub")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "damaged record, not JSON"),
        ("[" * 100_000, "damaged record, not JSON"),
        ('{"record_id": "r1"', "damaged record, not JSON"),
        ("[]", "damaged record at top level"),
        ('{"record_id": 3}', "damaged record at record_id"),
        (
            '{"schema_version": 99, "new": 1}',
            f"schema version 99, but this harness reads 1 to {SCHEMA_VERSION}; upgrade the harness",
        ),
        (
            '{"schema_version": 0}',
            f"schema version 0, but this harness reads 1 to {SCHEMA_VERSION}; read it with the harness that wrote it",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "record.json").write_text(content)
    with pytest.raises(HarnessError) as caught:
        read_record(tmp_path)
    assert expected in str(caught.value)
    assert str(tmp_path / "record.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_newer_record_that_looks_like_ours_is_refused(tmp_path: Path) -> None:
    write_record(record(), tmp_path)
    path = tmp_path / "record.json"
    data = {**json.loads(path.read_text()), "schema_version": SCHEMA_VERSION + 1}
    path.write_text(json.dumps(data))
    with pytest.raises(HarnessError, match=f"schema version {SCHEMA_VERSION + 1}"):
        read_record(tmp_path)


def test_ten_rounds_stay_small_and_readable(tmp_path: Path) -> None:
    steps = tuple(
        Step("measure", Outcome("ok", "measure"), round=number, started="2026-01-01T12:00:00.000+00:00",
             wall_s=31.123456789, peak_memory_bytes=2_400_000_000, exit_status=0, log=f"logs/measure-{number:02d}.log")
        for number in range(1, 11)
    )  # fmt: skip
    written = record(repeats=repeats(10), steps=steps)
    path = write_record(written, tmp_path)
    assert read_record(tmp_path) == written
    text = path.read_text()
    assert len(text) < 10_000
    assert text.startswith('{\n "record_id": "r1",\n "sweep_id": "s1",\n')
    assert max(len(line) for line in text.splitlines()) <= 200


def test_no_record_is_said(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no record here"):
        read_record(tmp_path)


def test_the_good_are_read_beside_the_bad_in_order(tmp_path: Path) -> None:
    for name in ("s2/b", "s1/a", "s1/z/deep"):
        write_record(record(name=name), tmp_path / name)
    (tmp_path / "s1/broken").mkdir()
    (tmp_path / "s1/broken/record.json").write_text("{")
    (tmp_path / "s1/a/nested").mkdir()
    (tmp_path / "s1/a/nested/record.json").write_text("not looked at")
    (tmp_path / "s1/unfinished/logs").mkdir(parents=True)
    found = list(iter_records(tmp_path))
    names = [folder.relative_to(tmp_path).as_posix() for folder, _ in found]
    assert names == ["s1/a", "s1/broken", "s1/z/deep", "s2/b"]
    assert [isinstance(item, HarnessError) for _, item in found] == [False, True, False, False]
    assert next(iter_records(tmp_path / "s1/a"))[1] == record(name="s1/a")
    assert list(iter_records(tmp_path / "absent")) == []


def test_secrets_do_not_reach_the_files(tmp_path: Path) -> None:
    secret = "hunter2"
    uri = f"postgresql://me:{secret}@db/mlflow"
    configured = {**SETTINGS, "tracking": {"uri": uri}, "api_token": secret}
    write_record(record(settings=configured, overrides=(f"tracking.uri={uri}", f"api_token={secret}")), tmp_path)
    write_environment({"variables": {"URL": uri}}, tmp_path)
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert secret not in text
    assert read_record(tmp_path).settings["tracking"]["uri"] == "postgresql://me:***@db/mlflow"


def test_home_is_what_records_lie_in(tmp_path: Path) -> None:
    assert home_of(record_folder(tmp_path / "records" / "x", "s", "a/b")) == (tmp_path / "records" / "x").resolve()
    assert home_of(Path("/elsewhere/cell")) is None


def repeats(count: int) -> tuple[Repeat, ...]:
    return tuple(
        Repeat(number, "2026-01-01T12:00:00.000+00:00", "compute", 64, 51.123456789, 50.98765432, 49.5, 60.25, 3,
               88.123, 1.234567, 12.3456, f"repeats/round-{number:02d}.npz", 2_400_000_000,
               {"before": {"load_average": [0.51, 0.42, 0.3], "governor": "performance", "mhz": [2500.0, 2499.0]}})
        for number in range(1, count + 1)
    )  # fmt: skip


@pytest.mark.slow
def test_ten_thousand_records_are_read_in_five_seconds(tmp_path: Path) -> None:
    path = write_record(record(repeats=repeats(10)), tmp_path / "first")
    data = json.loads(path.read_text())
    data["environment"] = {"packages": {f"package-{number}": "1.2.3" for number in range(330)}}
    content = json.dumps(data, indent=1).encode()
    assert 15_000 < len(content) < 18_000
    for number in range(10_000):
        folder = tmp_path / f"sweep-{number // 100}" / f"cell-{number}"
        (folder / "logs").mkdir(parents=True)
        (folder / "record.json").write_bytes(content)
    used = time.process_time()
    found = sum(isinstance(item, Record) for _, item in iter_records(tmp_path))
    assert found == 10_001
    assert time.process_time() - used < 5

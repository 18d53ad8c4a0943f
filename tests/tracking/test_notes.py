"""The note on a run's page: the row, how it was measured, and foreign text that stays text."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.records.logs import log_excerpt
from harness.records.schema import Estimate
from harness.tracking.describe import MAX_TAG, allowed_key
from harness.tracking.note import code_block, escape, note
from tests.tracking.synthetic import make_record


def test_the_row_and_how_it_was_measured(tmp_path: Path) -> None:
    folder, record = make_record(tmp_path, batchsize=4, throughput=18.4)
    text = note(record, folder, onnx_link="#/experiments/1/runs/abc")
    first = text.splitlines()[0]
    assert first.startswith("**18.")
    assert " samples/s** · **217" in first
    assert first.endswith("ms** a batch (median) · stable")
    assert "Random weights: speed is real, outputs mean nothing." in text
    assert "| measured | compute time, 3 processes, 15 timed iterations, profile smoke" in text
    assert "| device | Example CPU @ 2.50GHz (cpu) |" in text
    assert "[in another run](#/experiments/1/runs/abc)" in text


@pytest.mark.parametrize("source", ["simulated", "reference"])
def test_what_was_not_measured_says_so_first(tmp_path: Path, source: str) -> None:
    folder, record = make_record(tmp_path)
    text = note(dataclasses.replace(record, source=source), folder)  # type: ignore[arg-type]
    assert f"**These numbers are {source}, not measured.**" in text


def test_one_process_has_no_interval(tmp_path: Path) -> None:
    folder, record = make_record(tmp_path)
    assert record.summary is not None
    alone = dataclasses.replace(record.summary, throughput=Estimate(0.41234, None, None, 1))
    assert "0.4123 (no interval, n=1) samples/s" in note(dataclasses.replace(record, summary=alone), folder)


def test_a_failed_cell_shows_the_end_of_its_log(tmp_path: Path) -> None:
    log = "\n".join(f"line {number}" for number in range(100)) + "\n| table | <img src=x onerror=alert(1)> ```\n"
    folder, record = make_record(tmp_path, status="failed", log=log)
    text = note(record, folder)
    assert text.startswith("**failed** in measure (killed): killed by signal 9\n\nWhat to do: use less memory")
    assert "    line 99\n    | table | <img src=x onerror=alert(1)> ```" in text
    assert "line 70\n" not in text
    assert len(text) <= MAX_TAG


def test_a_note_never_outgrows_a_tag(tmp_path: Path) -> None:
    folder, record = make_record(tmp_path, status="failed", log="x" * 100_000)
    outcome = dataclasses.replace(record.outcome, message="*" * 9000)
    assert len(note(dataclasses.replace(record, outcome=outcome), folder)) <= MAX_TAG


def test_a_log_is_shown_without_colours_redraws_and_secrets(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"10%\r50%\r100%\r\n\x1b[1;31mE10001\x1b[0m \xff bad\r\n\n\npassword=hunter2\n")
    assert log_excerpt(path) == "100%\nE10001 \ufffd bad\npassword=***"
    assert log_excerpt(tmp_path / "absent") == ""


@settings(deadline=None)
@given(st.text())
def test_escaped_text_holds_no_markup(text: str) -> None:
    shown = escape(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert ">" not in shown
    for character in "*_`[|~":
        assert character not in shown.replace("\\" + character, "")


@settings(deadline=None)
@given(st.text())
def test_a_code_block_is_all_indented(text: str) -> None:
    assert all(line.startswith("    ") for line in code_block(text).split("\n") if line)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=300))
def test_any_key_becomes_one_that_mlflow_takes(key: str) -> None:
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name

    allowed = allowed_key(key)
    _validate_metric_name(allowed)
    _validate_param_name(allowed)

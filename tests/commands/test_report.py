"""``python -m harness.report`` as a user runs it: what it prints and writes, its exit status, what it suggests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.commands.report import main
from tests.report.folders import keep, measured


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with swin98 on the CPU at batches 1 and 4."""
    path = tmp_path / "home"
    for size in (1, 4):
        keep(measured(size), path)
    monkeypatch.setenv("HARNESS_HOME", str(path))
    return path


def test_a_model_that_was_measured_elsewhere_says_that_there_are_no_records_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "none"))
    assert main(["model=swin98_tiny"]) == 2
    assert "there are no records here (HARNESS_HOME or records=DIR says where they are)" in capsys.readouterr().err


def test_without_any_record_the_published_tables_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "none"))
    assert main(["model=swin98", "baseline=T4", "target=Ascend310P3", "lang=zh", "format=markdown"]) == 0
    out = capsys.readouterr().out
    assert "| **best** | **5.24 fps^** | **16.74 fps^** | **3.19倍^** |" in out
    assert "| swin98 | 1 | 47.92%^ | 47.72%^ |" in out
    assert not (tmp_path / "none").exists()


def test_records_stand_beside_references_and_what_is_damaged_is_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = home / "records" / "s" / "bad"
    bad.mkdir(parents=True)
    (bad / "record.json").write_text("{")
    assert main(["model=swin98", "format=json"]) == 0
    content = json.loads(capsys.readouterr().out)
    (table,) = (table for table in content["tables"] if table["name"] == "performance-swin98")
    assert table["rows"][0]["cpu"]["value"] == pytest.approx(10.0)
    assert table["rows"][0]["T4"]["source"] == "reference"
    assert next(each["place"] for each in content["problems"]) == str(bad)
    assert any("raw samples are missing" in each["message"] for each in content["problems"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["model=swin89"], "did you mean 'swin98'"),
        (["baseline=T40"], "did you mean 'T4'"),
        (["precision=fp23"], "did you mean 'fp32'"),
        (["since=yesterday"], "2026-11-22"),
        (["since=2031-01-01", "source=measured"], "no record and no reference has all of this"),
        (["records=nowhere"], "no such folder"),
        (["output=report.doc"], ".md"),
        (["output="], "names nothing"),
        (["baseline=Ascend310P3", "target=310p3"], "one device"),
        (["modle=swin98"], "did you mean 'model'"),
        (["batchsize=one"], "batchsize"),
    ],
)
def test_what_nothing_matches_is_refused_in_one_line_with_the_nearest_name(
    words: list[str], expected: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert len(error.splitlines()) == 1


def test_a_device_that_nobody_has_measured_yet_has_a_note(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["model=swin98", "references=false", "baseline=T4", "acceptance=true", "format=markdown"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "- T4: nothing is known of swin98 on it, no record and no reference; there is no ratio." in out
    assert "Acceptance rule (best 310P at least 1.6 x best T4): cannot be checked, there is no ratio." in out


def test_models_stand_in_the_order_of_their_numbers(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model=swin100,swin99", "format=json"]) == 0
    titles = [table["name"] for table in json.loads(capsys.readouterr().out)["tables"]]
    assert titles[0] == "performance-swin99"
    assert main(["batchsize=3"]) == 2
    assert "batch sizes: 1, 2, 4, 8, 16" in capsys.readouterr().err


def test_a_selection_shows_its_rows_only(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = measured(1, 20.0, sweep="20260601-000000-new", started="2026-06-01T08:00:00+00:00")
    keep(again, home)
    words = ["references=false", "format=json", "since=2026-06-01", "sweep=20260601", "batchsize=1", "host=bench-01"]
    assert main(words) == 0
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    assert [row["cpu"]["value"] for row in table["rows"]] == pytest.approx([20.0, 20.0])


def test_a_narrow_terminal_shows_the_own_ratio_before_what_was_published(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for chip, backend, per_s in (("T4", "tensorrt", 5.0), ("Ascend310P3", "ascend", 16.0)):
        keep(measured(1, per_s, chip=chip, backend=backend, source="simulated", copies_ms=1.0), home)
    assert main(["model=swin98", "baseline=T4", "target=Ascend310P3"]) == 0
    out = capsys.readouterr().out
    (header,) = (line.split("  ") for line in out.splitlines() if line.strip().startswith("batchsize"))
    assert {"T4", "310P", "310P/T4"} <= {title.strip() for title in header}
    assert "310P (published)/T4 (published)" in " ".join(out.split()).partition("for want of width: ")[2]


def test_strict_refuses_with_status_1_what_a_note_would_say(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model=swin98", "baseline=T4", "strict=true"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("harness.report: strict=true refuses swin98, batch size 1, ")
    assert len(captured.err.splitlines()) == 1
    assert main(["references=false", "strict=true"]) == 0


def test_a_folder_takes_all_formats_and_a_file_the_format_of_its_suffix(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"output={tmp_path}/all/"]) == 0
    suffixes = {path.suffix for path in (tmp_path / "all").iterdir()}
    assert {".md", ".html", ".csv", ".tex", ".json"} <= suffixes
    assert main([f"output={tmp_path}/tables"]) == 0  # as the README has it: no such folder yet
    assert (tmp_path / "tables" / "report.html").exists()
    assert main([f"output={tmp_path}/own.tex"]) == 0
    assert r"\toprule" in (tmp_path / "own.tex").read_text(encoding="utf-8")
    assert str(tmp_path / "own.tex") in capsys.readouterr().out

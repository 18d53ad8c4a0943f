"""``python -m harness.references``: what a user sees of published numbers, and what an import does and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.commands.references import main
from harness.config.references import read_library

PAGE = """# swin98

| batchsize | T4 fps | 310P fps | 310P/T4 |
|---|---|---|---|
| 1 | 5.24 | 16.74 | 3.19 |
| 4 | 4.65 | 16.06 | 3.45 |
| **best** | **5.24** | **16.74** | 3.19 |
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    assert main(words) == status
    captured = capsys.readouterr()
    return captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    out, err = run(capsys, *words, status=2)
    assert out == ""
    assert err.count("\n") == 1, err
    return err


def test_the_list_shows_numbers_with_their_mark_and_source(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "model=swin98", "format=markdown")
    assert err == ""
    assert "| swin98 | Ascend310P3 | 8 | 16.20^ | fps |" in out
    assert "| swin98 | Ascend310P3 | 16 | did not fit |" in out
    assert "mIoU 47.92" in out
    assert "swin_98/README.md:297-302 (2023-01-03)" in out
    assert "published by somebody else, not measured here" in out
    out, _ = run(capsys, "model=video_swin", "format=markdown")
    assert "0.607^ | not known |" in out
    assert not home.exists()


def test_the_list_as_json_holds_the_whole_citation(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "chip=T4", "model=swin98", "format=json", f"home={home}")
    found = json.loads(out)
    assert [each["throughput"] for each in found] == [5.24, 4.65, 4.35]
    assert found[0]["citation"]["commit"] == "68599d62e7b35415ba7cf21b08a71204f3dd5afb"


def test_a_page_is_imported_once_and_then_listed(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "README.md").write_text(PAGE, encoding="utf-8")
    words = ["import", "README.md", "model=mine", "source=A paper", "chips=310P:Ascend310P3"]
    out, _ = run(capsys, *words, "dry_run=true")
    assert "6 references found, none written" in out
    assert not home.exists()
    out, err = run(capsys, *words)
    target = home / "references" / "README.json"
    assert f"6 references written to {target}" in out
    assert "16.74^" in out
    assert err == ""
    content = target.read_bytes()
    out, _ = run(capsys, *words)
    assert f"nothing new: {target} holds these 6 references already" in out
    assert target.read_bytes() == content
    own = [each for each in read_library(home).references if each.model == "mine"]
    assert [(each.chip, each.batchsize, each.best, each.throughput) for each in own if each.chip != "T4"] == [
        ("Ascend310P3", 1, False, 16.74),
        ("Ascend310P3", 4, False, 16.06),
        ("Ascend310P3", None, True, 16.74),
    ]
    assert {each.citation.words for each in own} == {"A paper, lines 3-7"}
    out, _ = run(capsys, "model=mine")
    assert "16.06^" in out


def test_another_number_for_the_same_place_is_refused(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "README.md"
    page.write_text(PAGE, encoding="utf-8")
    run(capsys, "import", "README.md", "model=mine")
    page.write_text(PAGE.replace("16.06", "17.06"), encoding="utf-8")
    said = refused_after_preview(capsys, "import", "README.md", "model=mine")
    assert (
        "README.json holds 16.06 for mine on 310P at batch 4, now it is 17.06; give name=OTHER, or replace=true" in said
    )
    said = refused_after_preview(capsys, "import", "README.md", "model=mine", "name=second")
    assert "correct one of them" in said
    run(capsys, "import", "README.md", "model=mine", "replace=true")
    assert 17.06 in {each.throughput for each in read_library(home).references}


def refused_after_preview(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    _, err = run(capsys, *words, status=2)
    assert err.count("\n") == 1, err
    return err


def test_a_users_own_csv(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.csv").write_text(
        "model,chip,batchsize,throughput,unit,precision,mIoU %,note\n"
        "net,A10,8,123.5,samples/s,fp16,47.9,from the vendor\n",
        encoding="utf-8",
    )
    run(capsys, "import", "mine.csv")
    (own,) = [each for each in read_library(home).references if each.model == "net"]
    assert (own.chip, own.batchsize, own.throughput, own.unit, own.precision) == ("A10", 8, 123.5, "samples/s", "fp16")
    assert own.metrics == {"mIoU": 47.9}
    assert own.notes == ("from the vendor",)


def test_what_is_ambiguous_is_said_and_left_out(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.html").write_text(
        "<script>alert(1)</script><table><tr><th>bs</th><th>T4</th></tr><tr><td>1</td><td>3 / 4</td></tr>"
        "<tr><td>4</td><td>5<script>alert(2)</script></td></tr></table>",
        encoding="utf-8",
    )
    out, err = run(capsys, "import", "page.html", "model=m")
    assert "column T4: '3 / 4' holds 2 numbers; left out" in err
    assert "1 reference written" in out
    assert "alert" not in (home / "references" / "page.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (b"", [], "is empty"),
        (b"PK\x03\x04\x00\x00", [], "is binary"),
        ("| 模型 |".encode("gb18030"), [], "not utf-8 at byte"),
        (b"x", ["encoding=klingon"], "encoding=klingon: no such encoding"),
        (b"x", ["chips=310P"], "chips=310P: expected OLD:NEW"),
        (b"x", ["modle=a"], "did you mean 'model'"),
    ],
)
def test_wrong_files_and_words_are_refused_in_one_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: list[str], said: str
) -> None:
    (tmp_path / "page.md").write_bytes(content)
    assert said in refused(capsys, "import", "page.md", *words)
    assert not home.exists()


def test_a_file_that_is_missing_or_too_large_is_refused(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "not readable" in refused(capsys, "import", "nowhere.md")
    assert "give one file (0 given)" in refused(capsys, "import")
    (tmp_path / "large.csv").write_text("a,b\n1,2\n")
    monkeypatch.setattr("harness.commands.references.MOST_BYTES", 4)
    assert "8 bytes, at most 4 are read" in refused(capsys, "import", "large.csv")
    assert not home.exists()


def test_a_page_without_numbers_imports_nothing(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.md").write_text("| a | b |\n|---|---|\n| 1 | 2 |\n")
    _, err = run(capsys, "import", "page.md", status=1)
    assert "no published number found in it; nothing is imported" in err
    assert not home.exists()


def test_text_of_another_encoding_is_read_when_it_is_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.md").write_bytes("| 批大小 | T4性能 |\n|---|---|\n| 1 | 2.5 |\n".encode("gb18030"))
    run(capsys, "import", "page.md", "model=m", "encoding=gb18030")
    (own,) = [each for each in read_library(home).references if each.model == "m"]
    assert (own.chip, own.batchsize, own.throughput) == ("T4", 1, 2.5)


def test_a_damaged_list_is_named_beside_the_others(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "references").mkdir(parents=True)
    (home / "references" / "broken.json").write_text("{")
    out, err = run(capsys, "model=swin98")
    assert "16.74^" in out
    assert "broken.json: not a list of references" in err

"""``python -m harness.store`` and ``gc``: what a user sees of the store, and what is freed or refused."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from harness.commands.store import main, size_of
from harness.errors import ConfigError
from harness.sweep.locks import locked_now
from tests.stages.stocked import Home

LONG_AGO_S = 1_700_000_000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path))
    found = Home(tmp_path)
    found.record("20260101-one/cell-1", found.make("needed " * 300, LONG_AGO_S).sha256)
    found.record("20260102-two/cell-1", found.make("needed " * 300, LONG_AGO_S).sha256)
    found.make("idle " * 100, LONG_AGO_S, stage="convert")
    return found


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    assert main(words) == status
    captured = capsys.readouterr()
    return captured.out, captured.err


def rows(text: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


def test_the_store_is_shown_with_who_needs_what(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.leave("work/stage-4194399-abc", LONG_AGO_S)
    out, err = run(capsys, "files=1")
    assert err == ""
    shown = {row[0]: row[1:6] for row in rows(out) if len(row) == 7}
    assert shown["export"] == ["1", "1", "2.1 kB", "2.1 kB", "0 B"]
    assert shown["convert"] == ["1", "1", "500 B", "0 B", "500 B"]
    assert shown["all"] == ["-", "3", "2.6 kB", "2.1 kB", "505 B"]
    assert "20260102-two (1 cell), 1 more" in out
    assert "and 1 smaller file: all=true shows them" in out
    assert "work/stage-4194399-abc  (left of a kill)" in out
    out, _ = run(capsys, "all=true")
    assert "nobody" in out
    assert out.count("  20260101-one/cell-1\n") == out.count("  20260102-two/cell-1\n") == 1


def test_a_home_without_a_store_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, f"home={tmp_path}")
    assert "holds nothing yet" in out
    out, _ = run(capsys, "gc", f"home={tmp_path}")
    assert "freed 0 B in 0 files" in out
    assert list(tmp_path.iterdir()) == []
    _, err = run(capsys, f"home={tmp_path / 'none'}", status=2)
    assert "no such folder" in err


def test_gc_frees_what_nobody_needs_and_says_what_stays(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "gc", "dry_run=true")
    assert "would free 500 B in 1 file; 2.1 kB stay" in out
    assert home.served("idle " * 100, "convert")
    out, err = run(capsys, "gc")
    assert re.search(r"^removed    500 B  2023-11-1\d \d\d:\d\d  convert  [0-9a-f]{12}\.onnx$", out, re.MULTILINE)
    assert "freed 500 B in 1 file; 2.1 kB stay" in out
    assert re.search(r"^stays   2\.1 kB  1 file needed by records", out, re.MULTILINE)
    assert err == ""
    assert not home.served("idle " * 100, "convert")
    out, err = run(capsys, "gc", "size=1kB", status=1)
    assert "size=1kB is not reached: all that stays is needed or in use" in err
    assert home.served("needed " * 300)


def test_gc_keeps_what_a_running_sweep_may_use(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home.root / "sweeps" / "20260103-three"
    with locked_now(folder / "lock"):
        home.make("fresh", time.time() + 1)
        home.store.lookup("convert", home.key("idle " * 100))
        out, _ = run(capsys, "gc", "idle_h=0")
        assert "20260103-three began, which runs" in out
        assert home.served("idle " * 100, "convert")
        assert "sweep 20260103-three runs since" in run(capsys)[0]
    out, _ = run(capsys, "gc", "idle_h=1")
    assert re.search(r"2 files used in the last 1 h$", out, re.MULTILINE)
    run(capsys, "gc", "idle_h=0")
    assert not home.served("idle " * 100, "convert")


def test_gc_refuses_in_one_line(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    for words, status, line in (
        (("size=ten",), 2, "size=ten: expected a number with its unit: 500MB, 10GB, 1.5TiB"),
        (("size=10",), 2, "size=10: expected a number with its unit"),
        (("idle_h=-1",), 2, "idle_h"),
        (("sise=1GB",), 2, "sise: no such key"),
    ):
        out, err = run(capsys, "gc", *words, status=status)
        assert (out, err.count("\n")) == ("", 1)
        assert line in err
    home.record("20260104-four/cell").write_text('{"artifacts": [')
    out, err = run(capsys, "gc", status=1)
    assert (out, err.count("\n")) == ("", 1)
    assert "20260104-four/cell/record.json cannot be read (no JSON: " in err
    assert home.served("idle " * 100, "convert")
    out, err = run(capsys)
    assert "what it needs is unknown" in err


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("0", 0), ("512 B", 512), ("10GB", 10**10), ("1.5TiB", 3 * 2**39), (".5 kb", 500), ("2MiB", 2**21)],
)
def test_sizes(text: str, size_bytes: int) -> None:
    assert size_of(text) == size_bytes


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1e3MB", "10 GB/s", "nanB", "10G B"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a number with its unit"):
        size_of(text)

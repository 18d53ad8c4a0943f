"""Which sweep a word means, and manifests that cannot be gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import ConfigError, HarnessError
from harness.sweep.folder import MANIFEST_FILE, begin_sweep, find_sweep
from harness.sweep.manifest import read_manifest, write_manifest
from tests.sweep.plans import cell, manifest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with three sweeps, of which the second is unfinished."""
    for name in ("20260101-a", "20260101-b", "20260202-c"):
        write_manifest(manifest(cell(0, "one")), tmp_path / "home" / "sweeps" / name / MANIFEST_FILE)
    begin_sweep(tmp_path / "home" / "sweeps" / "20260101-b")
    return tmp_path / "home"


def test_a_sweep_is_named_by_id_or_its_beginning_or_its_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "sweeps" / "20260202-c"
    (home.parent / "link").symlink_to(home)
    monkeypatch.chdir(home / "sweeps")
    for word in ("20260202-c", "202602", str(folder), f"{folder}/", str(folder / MANIFEST_FILE), "./20260202-c"):
        assert find_sweep(word, home) == folder
    assert find_sweep(str(home.parent / "link" / "sweeps" / "20260202-c"), home) == folder
    assert find_sweep(None, home).name == "20260101-b"


@pytest.mark.parametrize("word", ["", ".", "/", "202601", "elsewhere/sweeps/20260202-c", "nothing"])
def test_a_word_that_means_no_sweep_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.chdir(home.parent)
    write_manifest(manifest(cell(0, "one")), Path("elsewhere", "sweeps", "20260202-c", MANIFEST_FILE))
    with pytest.raises(ConfigError, match="sweep"):
        find_sweep(word, home)


def test_a_manifest_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / MANIFEST_FILE
    write_manifest(manifest(cell(0, "one")), path)
    content = json.loads(path.read_text())
    for text, words in {
        "": "Invalid JSON: EOF while parsing",
        '{"a": 1}': "sweep_id: Field required",
        json.dumps({**content, "schema_version": 7}): "manifest of schema version 7, but this harness reads 1",
    }.items():
        path.write_text(text)
        with pytest.raises(HarnessError) as caught:
            read_manifest(path)
        said = str(caught.value)
        assert words in said
        assert "begin the sweep anew" in said
        assert said.count("(") == said.count(")")
        assert "\n" not in said

"""The Makefile documents itself, and a second `make` installs nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"help", "venv", "bench", "test", "test-all", "lint", "types", "wheelhouse", "ui"}

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def make(*words: str, cwd: Path = ROOT) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=True).stdout


def test_make_alone_lists_every_target() -> None:
    printed = make()
    assert set(re.findall(r"^make (\S+) +\S", printed, flags=re.MULTILINE)) == TARGETS


def test_a_fresh_clone_installs_once_and_then_only_runs(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    first = make("-n", "bench", cwd=tmp_path)
    assert "-m venv .venv" in first
    assert "-c constraints.txt" in first
    assert first.splitlines()[-1].endswith("-m harness model=swin98 batchsize=1,4,8 measure=smoke -m")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for stamp in ("bin/python", ".installed", ".installed-dev"):
        (tmp_path / ".venv" / stamp).touch()
    assert make("-n", "bench", cwd=tmp_path).splitlines() == first.splitlines()[-1:]
    assert make("-n", "test", cwd=tmp_path).splitlines() == [
        '.venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile -m "not slow"'
    ]


def test_ci_runs_the_tests() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)

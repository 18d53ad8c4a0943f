"""Fixtures for tests that start children."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of a child that can import the package, from wherever it runs."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def announcements(tmp_path: Path) -> tuple[Path, Callable[[], str]]:
    """A named pipe that a child writes a line to, and a function that blocks until the line is there."""
    pipe = tmp_path / "announcements"
    os.mkfifo(pipe)
    return pipe, lambda: pipe.read_text().strip()

"""Readers that leave early and terminals without Chinese: no command ends in a traceback because of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def command(home: Path, *words: str, encoding: str = "utf-8") -> subprocess.Popen[bytes]:
    """A command of the harness in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        env={**os.environ, "HARNESS_HOME": str(home), "PYTHONIOENCODING": f"{encoding}:strict"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_reader_that_has_seen_enough_ends_a_command_quietly_and_not_well(tmp_path: Path) -> None:
    listing = command(tmp_path, "harness.references", "format=json")
    assert listing.stdout is not None
    assert listing.stderr is not None
    listing.stdout.close()
    assert listing.stderr.read() == b""
    listing.stderr.close()
    assert listing.wait(60) == 141


def test_a_terminal_that_lacks_characters_gets_the_others(tmp_path: Path) -> None:
    said, problems = command(
        tmp_path, "harness.report", "model=swin98", "lang=zh", "format=markdown", encoding="ascii"
    ).communicate(timeout=60)
    assert problems == b""
    assert b"## swin98 ????" in said
    assert b"| 1 | 5.24 fps^" in said

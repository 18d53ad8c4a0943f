"""What a person reads of a log: its last lines, as a terminal would have left them, without secrets."""

from __future__ import annotations

import re
from pathlib import Path

from harness.records.redaction import redact_text

_LINES = 30
_CHARACTERS = 4000
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def log_excerpt(path: Path, lines: int = _LINES, characters: int = _CHARACTERS) -> str:
    """The last lines of a log, without colour codes and secrets; of a redrawn line (carriage return) its last state."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    shown = [line.rstrip("\r").rsplit("\r", 1)[-1].rstrip() for line in redact_text(_ANSI.sub("", text)).split("\n")]
    tail = "\n".join([line for line in shown if line.strip()][-lines:])
    return tail[-characters:]


def printable(text: str) -> str:
    """The text without control characters; line feeds stay, tabs become spaces."""
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text.expandtabs(4))

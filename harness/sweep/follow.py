"""What a long stage says of itself while it runs: a file of one line, written by the child and read here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

EVERY_S = 30.0
"""How often a line is printed where no line can be rewritten."""


def told_by(file: Path | None) -> str:
    """The line, or nothing while there is none."""
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


class Follower:
    """Says what a file says whenever it has changed, every ``every_s`` seconds, from a thread of its own."""

    def __init__(self, file: Path, say: Callable[[str], None], every_s: float = EVERY_S) -> None:
        self._file, self._say, self._every_s = file, say, every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follow", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        last = ""
        while not self._stopped.wait(self._every_s):
            line = told_by(self._file)
            if line and line != last:
                self._say(line)
                last = line

    def stop(self) -> None:
        """End the thread; nothing is said after this returns."""
        self._stopped.set()
        self._thread.join()

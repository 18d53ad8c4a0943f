"""The console that a sweep talks to: one whose reader has gone away, or whose disk is full, never ends a sweep."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

PIPE_COLUMNS = 120
"""How wide tables are where there is no terminal to ask."""


class Screen(Console):
    """Standard output for as long as it takes what is written; nothing is shown from there on."""

    def print(self, *objects: Any, **how: Any) -> None:
        """Show it as rich does, if anybody can see it."""
        try:
            super().print(*objects, **how)
        except (OSError, SystemExit):  # rich leaves the program when a pipe is closed
            _let_go()


def screen() -> Screen:
    """The console of this process, as wide as its terminal, or `PIPE_COLUMNS` where there is none."""
    if sys.stdout is None:  # closed before Python began
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the process lives
    return Screen(width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def _let_go() -> None:
    """Point standard output nowhere, so that neither the next line nor the end of the process fails again."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

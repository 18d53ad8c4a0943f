"""One command while it runs: what the user typed, and the exit status that its sweeps ask for.

Hydra hands its launcher neither and swallows what a launcher returns, so both are kept here for the entry point.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Invocation:
    """``command`` as typed; ``status`` 0 until a sweep says that something failed; ``started`` once cells may run."""

    command: tuple[str, ...] = ()
    status: int = 0
    started: bool = False

    def note(self, status: int) -> None:
        """Remember a sweep's exit status; the worst one stays."""
        self.status = max(self.status, status)


_current = Invocation()


def begin(command: tuple[str, ...]) -> Invocation:
    """Start over with a new command."""
    global _current  # noqa: PLW0603 - one command a process
    _current = Invocation(command)
    return _current


def current() -> Invocation:
    """The command that this process runs."""
    return _current

"""What ``harness.doctor`` says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``fix`` is what to do where it is not ``good``.

    ``needed`` says for what: ``convert`` (ATC), ``measure`` (ais_bench, trtexec), ``""`` where nothing depends on it.
    """

    what: str
    words: str
    good: bool = True
    needed: str = ""
    fix: str | None = None

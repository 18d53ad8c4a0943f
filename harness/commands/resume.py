"""``python -m harness.resume [SWEEP]``: go on with a sweep that was stopped, killed or cut off.

The frozen manifest is run as it is; no YAML is read. Finished cells stay as they are. Exit status: as the sweep's own;
2 for wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.commands.arguments import argument, read_arguments
from harness.errors import ConfigError, HarnessError

COMMAND = "python -m harness.resume"
REFUSED, FAILED, INTERRUPTED = 2, 1, 130
"""The exit statuses of the main command."""


@dataclass(frozen=True)
class Arguments:
    """Go on with a sweep: what has no finished record is run, by the plan that was frozen when it began.

    SWEEP is its name in mlruns/sweeps, or how it begins; without one the newest unfinished sweep is meant.
    """

    positional: tuple[str, ...] = argument("SWEEP", default=())
    retry: Literal["none", "failed"] = argument("failed: run the cells again that did not end ok", default="none")


def main(arguments: Sequence[str] | None = None) -> int:
    """Resume, print the table, publish; returns the exit status."""
    try:
        asked = read_arguments(Arguments, sys.argv[1:] if arguments is None else arguments, command=COMMAND)
        if len(asked.positional) > 1:
            raise ConfigError(f"{' '.join(asked.positional)}: one sweep can be resumed at a time")
        return resume(next(iter(asked.positional), None), retry=asked.retry == "failed")
    except HarnessError as error:
        print(f"harness.resume: {error}", file=sys.stderr)
        return REFUSED if isinstance(error, ConfigError) else FAILED
    except KeyboardInterrupt as error:
        print("harness.resume: interrupted", file=sys.stderr)
        return getattr(error, "status", INTERRUPTED)


def resume(name: str | None, *, retry: bool) -> int:
    """Go on with a sweep (None: the newest unfinished one); returns the exit status.

    Raises:
        ConfigError: there is no such sweep.
        LockedError: another process is at work on it.
        HarnessError: its manifest cannot be read.
    """
    from harness.commands.run import carry_out, check_home
    from harness.commands.screen import screen
    from harness.commands.stopping import stopping
    from harness.config.locate import harness_home
    from harness.sweep.folder import LOCK_FILE, MANIFEST_FILE, find_sweep
    from harness.sweep.locks import locked_now
    from harness.sweep.manifest import read_manifest

    home = harness_home()
    folder = find_sweep(name, home)
    check_home(home)
    console = screen()
    with stopping() as stop, locked_now(folder / LOCK_FILE):
        manifest = read_manifest(folder / MANIFEST_FILE)
        return stop.status(carry_out(manifest, home, console, resume=True, retry=retry))

"""``python -m harness`` and the console script ``harness``: one sweep of one or more cells.

Thin on purpose: ``--help`` and tab completion pass through here and must stay quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from harness import __version__
from harness.errors import ConfigError, HarnessError

REFUSED = 2
FAILED = 1
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 when something failed, 2 when refused before anything started."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except HarnessError as error:
        if _wants_traceback():
            raise
        print(f"harness: {error}", file=sys.stderr)
        return REFUSED if isinstance(error, ConfigError) and not _started() else FAILED
    except BrokenPipeError:  # `--cfg job | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt as error:
        print("harness: interrupted", file=sys.stderr)
        return getattr(error, "status", INTERRUPTED)


def _run(words: Sequence[str]) -> int:
    from harness.config.commandline import read_command_line

    line = read_command_line(words)
    if line.purpose == "version":
        print(f"harness {__version__}")
        return 0
    if line.purpose == "help" and line.arguments == ("--help",):
        from harness.config.help import help_text

        print(help_text())
        return 0
    from harness.config.application import run_application

    return run_application(line, ("python", "-m", "harness", *words))


def _started() -> bool:
    from harness.config.invocation import current

    return current().started


def _wants_traceback() -> bool:
    return any(os.environ.get(name) == "1" for name in ("HARNESS_DEBUG", "HYDRA_FULL_ERROR"))


if __name__ == "__main__":
    sys.exit(main())

"""``python -m harness.calibrate``: an entry point, which composes the cell for ``harness.commands.calibrate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.commands.calibrate import ROUNDS, USAGE, calibrate
from harness.commands.standard_streams import run_command
from harness.errors import ConfigError, HarnessError


def main(arguments: Sequence[str] | None = None) -> int:
    """Calibrate; the exit status is that of the sweep, 1 when it failed, 2 when the arguments are wrong."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if any(word in {"-h", "--help"} for word in words):
        print(USAGE)
        return 0
    try:
        return _run(words)
    except HarnessError as error:
        print(f"harness.calibrate: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1


def _run(words: Sequence[str]) -> int:
    from harness.config.commandline import forced
    from harness.config.compose import composing
    from harness.config.locate import harness_home

    loose = [word for word in words if "=" not in word]
    if loose:
        raise ConfigError(f"{loose[0]}: expected key=value, such as model=swin98_tiny")
    asked = any(word.startswith("measure.rounds=") for word in words)
    given = [*words, *([] if asked else [f"measure.rounds={ROUNDS}"])]
    with composing() as composer:
        composed = composer.cell([forced(word) for word in given])
    return calibrate(composed, given, harness_home())


if __name__ == "__main__":
    raise SystemExit(run_command(main))

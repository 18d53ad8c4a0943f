"""``python -m harness.offline``: an entry point, which composes the configuration for ``harness.commands.offline``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from harness.commands.offline import STEPS, USAGE, run_step
from harness.commands.standard_streams import run_command
from harness.errors import ConfigError, HarnessError

_OPTIONAL = ("results",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the step that the arguments name; the exit status is 0, 1 when it failed, 2 when the arguments are wrong."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in {"-h", "--help"}:
        print(USAGE)
        return 0 if words else 2
    try:
        _run(words[0], words[1:])
    except HarnessError as error:
        print(f"harness.offline: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    return 0


def _run(step: str, words: Sequence[str]) -> None:
    if step not in STEPS:
        raise ConfigError(f"{step}: no such step; expected one of {', '.join(STEPS)}")
    folders: dict[str, Path] = {}
    overrides: list[str] = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise ConfigError(f"{word}: expected key=value, such as model=swin98")
        if key in {*STEPS[step], *_OPTIONAL}:
            folders[key] = Path(value).expanduser()
        else:
            overrides.append(word)
    missing = [key for key in STEPS[step] if key not in folders]
    if missing:
        raise ConfigError(f"{step}: give {missing[0]}=DIR")
    from harness.config.compose import compose_settings

    run_step(step, folders, compose_settings(*overrides), overrides)


if __name__ == "__main__":
    raise SystemExit(run_command(main))

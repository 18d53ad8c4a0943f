"""The Hydra application behind ``python -m harness``: the command line in, an exit status out."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.config import invocation
from harness.config.commandline import CommandLine
from harness.config.locate import conf_dir, sweeps_dir
from harness.errors import ConfigError

if TYPE_CHECKING:
    from omegaconf import DictConfig

_FULL_ERROR = "HYDRA_FULL_ERROR"


def run_application(line: CommandLine, command: Sequence[str]) -> int:
    """Hand the command line to Hydra; returns the exit status of what it ran.

    Raises:
        ConfigError: one line on what is wrong with the configuration; nothing has been started.
    """
    from hydra import main as hydra_main

    started = invocation.begin(tuple(command))
    _refuse_hidden_files(line)
    application = hydra_main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(run_alone)
    try:
        with _hydra_process(line.arguments):
            application()
    except ConfigError:
        raise
    except Exception as error:
        if started.started:
            raise
        from harness.config.refusal import explained

        sentence = explained(error, line.arguments)
        if sentence is None:
            raise
        raise ConfigError(sentence) from error
    return started.status


def run_alone(config: DictConfig) -> int:
    """Hydra's task function, for a sweeper that is not the harness's own: it would compose each cell in its worker.

    Raises:
        ConfigError: always.
    """
    del config
    raise ConfigError("hydra/sweeper: another sweeper than harness works with hydra/launcher=harness only")


def _refuse_hidden_files(line: CommandLine) -> None:
    """Hydra reads a file of ``--config-dir`` only where no built-in one has its name, and does not say so."""
    words = list(line.arguments)
    if line.purpose not in {"run", "show"} or "--config-dir" not in words:
        return
    folder = Path(words[words.index("--config-dir") + 1])
    for file in sorted(folder.rglob("*.yaml")):
        name = file.relative_to(folder)
        if any((built_in / name).is_file() for built_in in (conf_dir(), sweeps_dir())):
            raise ConfigError(f"{file}: {name.with_suffix('')} is built in and would be read instead; rename your file")


@contextmanager
def _hydra_process(arguments: Sequence[str]) -> Iterator[None]:
    """Hydra reads ``sys.argv`` and, unless asked for full errors, prints several lines and exits by itself."""
    argv, full = sys.argv, os.environ.get(_FULL_ERROR)
    sys.argv = [argv[0], *arguments]
    os.environ[_FULL_ERROR] = "1"
    try:
        with warnings.catch_warnings():
            # Ours stand before those that the launchers' packages bring under the same names, which check them.
            warnings.filterwarnings("ignore", r"\s*'hydra/launcher/\w+' is validated against ConfigStore schema")
            yield
    finally:
        sys.argv = argv
        if full is None:
            del os.environ[_FULL_ERROR]
        else:
            os.environ[_FULL_ERROR] = full

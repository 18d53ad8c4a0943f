"""The Hydra application behind ``python -m harness``: the command line in, an exit status out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

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
    application = hydra_main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(run_cell)
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


def run_cell(config: DictConfig) -> int:
    """What a foreign launcher (joblib, submitit) calls for each cell: a sweep of one, without interleaving.

    The harness's own sweeper has validated the cell and named what ``auto`` means before this is called.
    """
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    from harness.commands.run import run_manifest
    from harness.config.compose import Composed
    from harness.config.freeze import freeze
    from harness.config.locate import harness_home
    from harness.config.settings import settings_from
    from harness.devices import detect, present

    hydra = HydraConfig.get()
    values = cast("dict[str, Any]", OmegaConf.to_container(config, resolve=True, throw_on_missing=True))
    cell = Composed(settings_from(values), device_found=False, choices=dict(hydra.runtime.choices))
    manifest = freeze(
        [cell],
        [list(hydra.overrides.task)],
        command=invocation.current().command or ("python", "-m", "harness", *hydra.overrides.task),
        present=present,
        detect=detect,
        interleaved=False,
        sweep_id=f"{Path(hydra.sweep.dir).name}-{hydra.job.num}",
    )
    return run_manifest(manifest, harness_home())


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
        yield
    finally:
        sys.argv = argv
        if full is None:
            del os.environ[_FULL_ERROR]
        else:
            os.environ[_FULL_ERROR] = full

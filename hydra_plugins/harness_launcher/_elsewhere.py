"""How a foreign launcher (joblib, submitit, Ray) runs the cells of a frozen manifest: by index, composing nothing.

Such a launcher asks Hydra's loader for each job's configuration, in the parent or in the worker, and hands it to the
task function. Here the loader only writes the cell's index into what Hydra needs to run any job, and the task function
runs that cell of the manifest: YAML that was edited meanwhile, or broken, changes nothing.

The underscore keeps Hydra, which runs every other module of a plug-in by itself, from making these classes twice.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict

from harness.errors import ConfigError

_PREFIX = "cell="
_SAME_HOST = ("Joblib", "Local", "Basic")
_EXTRAS = {"hydra_joblib_launcher": "joblib", "hydra_submitit_launcher": "submitit", "hydra_ray_launcher": "ray"}


@dataclass(frozen=True)
class FrozenLoader:
    """Stands in for Hydra's loader once everything is composed."""

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> DictConfig:
        """The job's configuration: the launcher's own settings, and the index in ``cell=<index>`` as ``cell``."""
        config = deepcopy(master_config)
        (override,) = sweep_overrides
        with open_dict(config):
            config.cell = int(override.removeprefix(_PREFIX))
        return config


@dataclass(frozen=True)
class FrozenCell:
    """The task function: runs the cell that a job's configuration names; returns its exit status."""

    manifest: Path
    home: Path

    def __call__(self, config: DictConfig) -> int:
        """Run it. What goes wrong is printed where the worker prints; the parent reads the records."""
        from harness.commands.cell import run_cell
        from harness.errors import HarnessError

        try:
            return run_cell(self.manifest, int(config.cell), self.home)
        except HarnessError as error:
            print(f"cell {config.cell}: {error}", file=sys.stderr, flush=True)
            return 1


def same_host(config: DictConfig) -> bool:
    """Whether the launcher's workers run on this machine: they see the devices that the parent sees."""
    return str(config.hydra.launcher._target_).rpartition(".")[2].startswith(_SAME_HOST)


def check_installed(config: DictConfig) -> None:
    """Refuse a launcher whose package is not installed. Raises ConfigError with the command that installs it."""
    import importlib.util

    parts = str(config.hydra.launcher._target_).split(".")
    if parts[0] == "hydra_plugins" and importlib.util.find_spec(".".join(parts[:2])) is None:
        extra = _EXTRAS.get(parts[1], parts[1])
        name = config.hydra.runtime.choices["hydra/launcher"]
        raise ConfigError(
            f"hydra/launcher={name}: {parts[1]} is not installed here; pip install 'npu-harness[{extra}]'"
        )


def launch_cells(
    context: HydraContext, config: DictConfig, task: FrozenCell, indices: Sequence[int], python_path: str
) -> None:
    """Let the configured launcher run these cells, each as a job, and wait for them.

    ``python_path`` is what lets a worker find this package. No override and no setting of a cell travels with a job:
    launchers write what they hand over to files.

    Raises:
        Exception: whatever the launcher raises when a worker dies.
    """
    bare = deepcopy(config)
    OmegaConf.set_readonly(bare.hydra, value=False)  # launchers write a job's number into it
    with open_dict(bare):
        for key in [key for key in bare if key != "hydra"]:
            del bare[key]
        bare.hydra.sweep.dir = str(task.manifest.parent)
        bare.hydra.sweep.subdir = "."
        bare.hydra.overrides.task = []
        bare.hydra.overrides.hydra = []
        bare.hydra.job.override_dirname = ""
        bare.hydra.sweeper = {}
    plain_context = replace(context, config_loader=cast("Any", FrozenLoader()))
    known, environment = HydraConfig.instance().cfg, os.environ.get("PYTHONPATH")
    HydraConfig.instance().cfg = None  # it travels with each job, and holds every setting
    os.environ["PYTHONPATH"] = python_path
    try:
        launcher = Plugins.instance().instantiate_launcher(hydra_context=plain_context, task_function=task, config=bare)
        launcher.launch([[f"{_PREFIX}{index}"] for index in indices], 0)
    finally:
        HydraConfig.instance().cfg = known
        if environment is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = environment

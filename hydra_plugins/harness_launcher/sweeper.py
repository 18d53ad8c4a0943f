"""The sweeper: the product of all swept values, handed to the launcher at once and without a folder of its own.

Hydra's basic sweeper composes every cell for validation before the launcher composes it again, and creates its folder
before it validates. Here the launcher is the one that composes, and a refused command leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, ListConfig

from hydra_plugins.harness_launcher._elsewhere import FrozenCell, check_installed, launch_cells, same_host
from hydra_plugins.harness_launcher.launcher import HarnessLauncher

ConfigStore.instance().store(
    group="hydra/sweeper",
    name="harness",
    node={"_target_": "hydra_plugins.harness_launcher.sweeper.HarnessSweeper", "params": {}},
    provider="harness",
)


class HarnessSweeper(Sweeper):
    """The Cartesian product of the command line and a named sweep's ``hydra.sweeper.params``; the command line wins."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """``params``: key to swept values, as text (``1,4,8``) or as a list."""
        super().__init__()
        self.params = params

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra hands over and make the launcher.

        Raises:
            ConfigError: a launcher whose package is not installed.
        """
        self._context = hydra_context
        self._loader = hydra_context.config_loader
        self._master = config
        check_installed(config)
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Sequence[JobReturn]:
        """Run every cell.

        Raises:
            ConfigError: a swept value or cell that is wrong; nothing was started.
        """
        from hydra.core.override_parser.overrides_parser import OverridesParser

        from harness.config.commandline import forced

        swept = [forced(f"{key}={_as_sweep(values)}") for key, values in self.params.items()]
        parser = OverridesParser.create(config_loader=self._loader)
        jobs = BasicSweeper.split_arguments(parser.parse_overrides([*swept, *arguments]), max_batch_size=None)[0]
        if isinstance(self.launcher, HarnessLauncher):
            return self.launcher.launch(jobs, initial_job_idx=0)
        return self._foreign(jobs)

    def _foreign(self, jobs: Sequence[Sequence[str]]) -> Sequence[JobReturn]:
        """Freeze all cells here; the other launcher's workers get the manifest and the index of a cell each."""
        from harness.commands.elsewhere import run_elsewhere
        from harness.commands.run import run_manifest
        from harness.config import invocation
        from harness.config.compose import compose_cells
        from harness.config.freeze import freeze
        from harness.config.locate import harness_home
        from harness.devices import detect, present
        from harness.sweep.step import child_environment

        command, home = invocation.current(), harness_home()
        manifest = freeze(
            compose_cells(self._loader, self._master, jobs),
            jobs,
            command=command.command,
            present=present if same_host(self._master) else _perhaps_there,
            detect=detect,
            interleaved=False,
        )

        def launch(path: Path, indices: Sequence[int]) -> None:
            task = FrozenCell(path, home)
            launch_cells(self._context, self._master, task, indices, child_environment()["PYTHONPATH"])

        planned = any(cell.settings.plan for cell in manifest.cells)
        status = run_manifest(manifest, home) if planned else run_elsewhere(manifest, home, launch)
        command.note(status)
        return [
            JobReturn(overrides=list(overrides), task_name=cell.name, status=JobStatus.COMPLETED, _return_value=status)
            for cell, overrides in zip(manifest.cells, jobs, strict=True)
        ]


def _perhaps_there(*_: object) -> bool:
    """Whether a device is on the worker's machine is for the worker to find out."""
    return True


def _as_sweep(values: Any) -> str:
    """A list in YAML as the text that sweeps over it; anything else as it is."""
    if not isinstance(values, (list, tuple, ListConfig)):
        return str(values)
    return ",".join(str(value).lower() if isinstance(value, bool) else str(value).replace(" ", "") for value in values)

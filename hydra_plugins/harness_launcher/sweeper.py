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
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, ListConfig

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
        """Keep what Hydra hands over and make the launcher."""
        self._loader = hydra_context.config_loader
        self._master = config
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
        """Another launcher composes each cell again: validate them all first, and name what ``auto`` means here."""
        from harness.config import invocation
        from harness.config.compose import compose_cells, settled

        composed = compose_cells(self._loader, self._master, jobs)
        invocation.current().started = True
        Path(str(self._master.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        assert self.launcher is not None
        results = self.launcher.launch([settled(job, cell) for job, cell in zip(jobs, composed, strict=True)], 0)
        for result in results:
            invocation.current().note(int(result.return_value))
        return results


def _as_sweep(values: Any) -> str:
    """A list in YAML as the text that sweeps over it; anything else as it is."""
    if not isinstance(values, (list, tuple, ListConfig)):
        return str(values)
    return ",".join(str(value).lower() if isinstance(value, bool) else str(value).replace(" ", "") for value in values)

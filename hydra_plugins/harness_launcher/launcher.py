"""The launcher that owns a multirun: it freezes all cells into a manifest and runs rounds of repeats over them."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

ConfigStore.instance().store(
    group="hydra/launcher",
    name="harness",
    node={"_target_": "hydra_plugins.harness_launcher.launcher.HarnessLauncher"},
    provider="harness",
)


class HarnessLauncher(Launcher):
    """Composes every cell before the first one runs: a wrong cell stops the sweep, a YAML edited meanwhile does not."""

    def setup(
        self,
        *,
        hydra_context: HydraContext,
        task_function: TaskFunction,  # noqa: ARG002 - cells run in child processes
        config: DictConfig,
    ) -> None:
        """Keep what Hydra hands over."""
        self.hydra_context = hydra_context
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        """Freeze the cells, run them, and return one result each whose value is the sweep's exit status.

        Raises:
            ConfigError: a cell that cannot be composed, or the only cell's device is not here; nothing was started.
        """
        from harness.commands.run import run_manifest
        from harness.commands.screen import screen
        from harness.config import invocation
        from harness.config.compose import compose_cells
        from harness.config.freeze import freeze
        from harness.config.locate import harness_home
        from harness.devices import detect, present, trouble

        command = invocation.current()
        composed = compose_cells(self.hydra_context.config_loader, self.config, job_overrides)
        manifest = freeze(composed, job_overrides, command=command.command, present=present, detect=detect)
        found = sorted({each.settings.soc_version.name for each in composed if each.device_found})
        if found:
            lines = [f"device {', '.join(found)} (soc_version=auto)"]
            if problem := trouble():
                lines.append(f"what else there is cannot be used: {problem}")
            screen().print(*lines, sep="\n", highlight=False, markup=False, soft_wrap=True)
        status = run_manifest(manifest, harness_home())
        command.note(status)
        return [
            JobReturn(overrides=list(overrides), task_name=cell.name, status=JobStatus.COMPLETED, _return_value=status)
            for cell, overrides in zip(manifest.cells, job_overrides, strict=True)
        ]

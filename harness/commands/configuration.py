"""What is settled before a sweep starts about models that a configuration of OpenMMLab's describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.config.model import InputSettings, PipelineSettings
from harness.config.schema import Settings
from harness.errors import ConfigError
from harness.models.openmmlab.environment import conversation, interpreter
from harness.models.openmmlab.pipeline import Wanted, wanted

OTHER = "other"
"""``model.task`` that nobody has said."""


@dataclass
class ConfigurationReader:
    """Reads each configuration of a sweep once."""

    _known: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def settings(self, settings: Settings) -> Settings:
        """The settings with paths made absolute, and with everything filled in that the configuration says.

        Raises:
            ConfigError: the environment or the configuration cannot be used.
        """
        model = settings.model
        path = _located(model.config)
        python = interpreter(settings.openmmlab.python)
        described = self._described(python, path)
        options = {**model.options}
        mode = options.get("mode", "auto")
        wants = _fitting(described, mode, model.inputs) if model.inputs else wanted(described, mode)
        options |= {key: described[key] for key in ("digest", "versions", "library")}
        options["batch_axes"] = wants.batch_axes
        if isinstance(described["num_classes"], int):
            options["num_classes"] = described["num_classes"]
        inputs = model.inputs or (InputSettings(name="input", shape=(settings.batchsize, *wants.shape)),)
        filled = replace(
            model,
            config=path,
            task=wants.task if model.task == OTHER else model.task,
            inputs=inputs,
            options=options,
            pipeline=_joined(wants.pipeline, model.pipeline),
        )
        return replace(settings, model=filled, openmmlab=replace(settings.openmmlab, python=python))

    def _described(self, python: str, path: str) -> Mapping[str, Any]:
        if (python, path) not in self._known:
            with conversation(python, path) as worker:
                self._known[python, path] = worker.ask(do="describe", config=path)
        return self._known[python, path]


def _fitting(described: Mapping[str, Any], mode: str, inputs: tuple[InputSettings, ...]) -> Wanted:
    """What the configuration wants, its input's shape being the user's."""
    shape = inputs[0].shape[1:]
    sized = {**described, "crop_size": list(shape[-2:])}
    return replace(wanted(sized, mode), shape=shape)


def _joined(own: PipelineSettings, asked: PipelineSettings) -> PipelineSettings:
    """The configuration's pipeline, with what the user says instead."""
    said = {key: value for key, value in asdict(asked).items() if value is not None and key != "refused"}
    return replace(own, **said)


def _located(config: str | None) -> str:
    if not config:
        raise ConfigError("model.config must be given: model.config=FILE.py")
    path = Path(config).expanduser().absolute()
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no such file"
        raise ConfigError(
            f"model.config={config}: {kind}; give a configuration of mmsegmentation or mmaction2, such as those in the "
            ".mim/configs folder of the installed packages"
        )
    return str(path)

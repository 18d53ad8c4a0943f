"""Which plan belongs to which task: the one table that a new task adds a line to."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.config.schema import Settings
from harness.datasets.registry import NONE, dataset_kind, open_dataset
from harness.errors import ConfigError
from harness.evaluate.plan import Plan

PLANS = {
    "segmentation": "harness.evaluate.segmentation_plan:segmentation_plan",
    "video": "harness.evaluate.video_plan:video_plan",
}
"""By task, ``module:function``: it gets the Settings of the cell and the opened data set, and returns a Plan."""


def check_task(settings: Settings) -> None:
    """Refuse a model and a data set that do not belong together, without opening either.

    Raises:
        ConfigError: no data set is named, or it serves another task than the model's.
    """
    model, data = settings.model, settings.dataset
    if data.kind == NONE:
        raise ConfigError("evaluate=true: on which data? give dataset=NAME, such as dataset=shapes")
    serves = dataset_kind(data).task
    if serves != model.task:
        hint = f"; if it does, say so with model.task={serves}" if model.task == "other" else ""
        raise ConfigError(f"dataset={data.name}: for {serves} models, and {model.name} does {model.task}{hint}")
    if model.pipeline.refused:
        parts = "; ".join(model.pipeline.refused)
        raise ConfigError(f"evaluate=true: {model.name}'s own test pipeline has what the harness does not do: {parts}")
    if model.task not in PLANS:
        raise ConfigError(f"evaluate=true: models of task {model.task} cannot be evaluated; {', '.join(PLANS)} can")


@contextmanager
def opened_plan(settings: Settings) -> Iterator[Plan[Any]]:
    """The plan of a cell, its data set opened but not looked through.

    Raises:
        ConfigError: as ``check_task``; the data is not where it should lie; the model's input or classes do not fit it.
    """
    check_task(settings)
    module, _, function = PLANS[settings.model.task].partition(":")
    plan: Plan[Any] = getattr(importlib.import_module(module), function)(settings, open_dataset(settings.dataset))
    try:
        yield plan
    finally:
        plan.close()

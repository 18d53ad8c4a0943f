"""The data sets by the ``kind`` that the configuration calls them: which task they serve, their options, their reader.

Cheap to import: neither OpenCV nor a video library. A new data set is one module, one line in ``KINDS`` and one YAML in
``conf/dataset``.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as validated_dataclass

from harness.config.nearest import suggestion
from harness.config.schema import DatasetSettings
from harness.config.values import SCHEMA
from harness.errors import ConfigError

NONE = "none"
"""The kind that stands for no data set."""


@validated_dataclass(config=SCHEMA)
class NoOptions:
    """A data set that has none."""


@validated_dataclass(config=SCHEMA)
class ShapesOptions:
    """``count`` scenes in all."""

    count: Annotated[int, Field(ge=1, le=100_000)] = 48


@validated_dataclass(config=SCHEMA)
class MotionsOptions:
    """``count`` videos in all; ``interval``: every n-th frame of them is looked at."""

    count: Annotated[int, Field(ge=1, le=100_000)] = 64
    interval: Annotated[int, Field(ge=1)] = 2


@validated_dataclass(config=SCHEMA)
class Kinetics400Options:
    """``label_map``: a file with one class a line; None: the root's, else Kinetics-400's own.

    A video with fewer than ``min_frames`` is too short. Every ``interval``-th frame of a clip is looked at.
    """

    label_map: str | None = None
    min_frames: Annotated[int, Field(ge=1)] = 32
    interval: Annotated[int, Field(ge=1)] = 2


@dataclass(frozen=True)
class Kind:
    """``task`` is the ``model.task`` that can be evaluated on it.

    ``opens`` is ``module:function``: the function gets DatasetSettings and the validated options, and returns what the
    task's plan takes (``harness.evaluate.plans``); it raises ConfigError when the data is not there.
    """

    task: str
    opens: str
    options: type[Any] = NoOptions


KINDS = {
    "ade20k": Kind("segmentation", "harness.datasets.ade20k:opened"),
    "kinetics400": Kind("video", "harness.datasets.kinetics400:opened", Kinetics400Options),
    "motions": Kind("video", "harness.datasets.motions:opened", MotionsOptions),
    "shapes": Kind("segmentation", "harness.datasets.shapes:opened", ShapesOptions),
}


def dataset_kind(settings: DatasetSettings) -> Kind:
    """What is known of the settings' kind; raises ConfigError when there is none of that name."""
    if settings.kind not in KINDS:
        raise ConfigError(f"dataset.kind={settings.kind}: no such data set; {suggestion(settings.kind, list(KINDS))}")
    return KINDS[settings.kind]


def check_options(settings: DatasetSettings) -> None:
    """Validate the options; raises ConfigError for an unknown kind and pydantic's ValidationError for the options."""
    if settings.kind != NONE:
        TypeAdapter(dataset_kind(settings).options).validate_python(dict(settings.options))


def open_dataset(settings: DatasetSettings) -> Any:
    """The data set that the settings name, without having looked at its files.

    Raises:
        ConfigError: there is no such data set, or nothing where it should lie.
    """
    kind = dataset_kind(settings)
    module, _, function = kind.opens.partition(":")
    options = TypeAdapter(kind.options).validate_python(dict(settings.options))
    return getattr(importlib.import_module(module), function)(settings, options)

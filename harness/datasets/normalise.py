"""Turning grey levels into what a network was trained on: ``(value - mean) / std`` per channel, by table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from harness.config.model import PipelineSettings
from harness.datasets.images import Pixels


@dataclass(frozen=True)
class Normalisation:
    """Per channel (red, green, blue), in grey levels: a pixel becomes ``(value - mean) / std`` in float32.

    The defaults are OpenMMLab's ``img_norm_cfg`` for ADE20K and for Kinetics.
    """

    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)

    @property
    def unusual(self) -> str:
        """What has to be said of it beside the rest of a pipeline: nothing of the usual one."""
        return "" if self == Normalisation() else f", mean {list(self.mean)}, std {list(self.std)}"


def normalisation_for(pipeline: PipelineSettings) -> Normalisation:
    """What a model asks for, and the usual where it says nothing."""
    usual = Normalisation()
    return Normalisation(pipeline.mean or usual.mean, pipeline.std or usual.std)


def lookup_tables(normalisation: Normalisation) -> npt.NDArray[np.float32]:
    """The normalised value of each grey level, float32 (3, 256), channels red, green, blue.

    Computed in float32, which is bit for bit what mmcv 1.7 with OpenCV 4.x made of the golden windows.
    """
    levels = np.arange(256, dtype=np.float32)
    return np.stack([
        (levels - np.float32(mean)) / np.float32(std)
        for mean, std in zip(normalisation.mean, normalisation.std, strict=True)
    ])  # fmt: skip


def normalise(planes: Sequence[Pixels], tables: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
    """Write the normalised red, green and blue plane, each uint8 (height, width), into float32 (3, height, width)."""
    for channel, plane in enumerate(planes):
        cv2.LUT(plane, tables[channel], dst=out[channel])

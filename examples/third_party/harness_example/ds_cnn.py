"""The family ``ds_cnn``: depthwise-separable convolutions that spot keywords (Zhang et al. 2017, arXiv:1711.07128)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from harness.models.options import parse_options

if TYPE_CHECKING:
    from torch import nn

Positive = Annotated[int, Field(ge=1)]


@dataclass(config=ConfigDict(extra="forbid", frozen=True))
class DsCnnOptions:
    """The network's shape; the defaults are the paper's small model."""

    channels: Positive = 64
    blocks: Positive = 4
    classes: Positive = 12


class DsCnnFamily:
    """Builds the network from its options. Only ``build`` imports torch."""

    name = "ds_cnn"
    ignored_checkpoint_prefixes: tuple[str, ...] = ()

    def parse_options(self, options: Mapping[str, Any]) -> DsCnnOptions:
        """The validated options; raises ConfigError."""
        return parse_options(DsCnnOptions, options, self.name)

    def build(self, options: DsCnnOptions) -> nn.Module:
        """Scores (batch, classes) from MFCC features (batch, 1, frames, coefficients), float32."""
        from torch import nn

        def normed(convolution: nn.Module) -> list[nn.Module]:
            return [convolution, nn.BatchNorm2d(options.channels), nn.ReLU()]

        wide = options.channels
        layers = normed(nn.Conv2d(1, wide, (10, 4), stride=2, padding=(5, 1), bias=False))
        for _ in range(options.blocks):
            layers += normed(nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False))
            layers += normed(nn.Conv2d(wide, wide, 1, bias=False))
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(wide, options.classes)).eval()

    def source_files(self) -> tuple[Path, ...]:
        """This module: an edit of it makes a new graph."""
        return (Path(__file__),)


FAMILY = DsCnnFamily()

"""A model family of somebody else's, as a module on the Python path: ``kind: own_network:FAMILY``."""

from __future__ import annotations

from pathlib import Path

from pydantic.dataclasses import dataclass

from harness.config.values import SCHEMA
from harness.models.options import parse_options


@dataclass(config=SCHEMA)
class Options:
    channels: int = 4


class OwnFamily:
    name = "own_network"
    ignored_checkpoint_prefixes = ()

    def parse_options(self, options):
        return parse_options(Options, options, self.name)

    def build(self, options):
        from torch import nn

        return nn.Sequential(nn.Conv2d(3, options.channels, 3), nn.ReLU()).eval()

    def source_files(self):
        return (Path(__file__),)


FAMILY = OwnFamily()

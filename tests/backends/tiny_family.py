"""A model family of one small network, with two inputs and two outputs, whose arithmetic NumPy can follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

BATCH, WIDTH, CLASSES = 2, 4, 3


class Tiny(nn.Module):
    """``scores = relu(linear(x)) + offset`` and ``doubled = 2 * x``."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        return torch.relu(self.linear(x)) + offset, 2 * x


class TinyFamily:
    name = "tiny"
    ignored_checkpoint_prefixes: tuple[str, ...] = ()

    def parse_options(self, options: Any) -> Any:
        return dict(options)

    def build(self, options: Any) -> nn.Module:
        del options
        return Tiny().eval()

    def source_files(self) -> tuple[Path, ...]:
        return (Path(__file__),)


FAMILY = TinyFamily()

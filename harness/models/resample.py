"""Pooling and resizing between two sizes that are known when the network is built."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models.geometry import average_matrix, bilinear_matrix

Size = tuple[int, int]
"""Height and width."""


class FixedAveragePool(nn.Module):
    """Adaptive average pooling to ``bins`` x ``bins`` as one product with a constant matrix.

    ``adaptive_avg_pool2d`` has no ONNX form when the bins do not divide the map.
    """

    matrix: Tensor

    def __init__(self, channels: int, size: Size, bins: int) -> None:
        super().__init__()
        self.channels, self.bins = channels, bins
        rows, columns = torch.from_numpy(average_matrix(size[0], bins)), torch.from_numpy(average_matrix(size[1], bins))
        self.register_buffer("matrix", torch.kron(rows, columns).T.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) -> (batch, channels, bins, bins), float32."""
        pooled = x.reshape(-1, self.channels, self.matrix.shape[0]) @ self.matrix
        return pooled.reshape(-1, self.channels, self.bins, self.bins)


class BilinearResize(nn.Module):
    """Bilinear resizing with ``align_corners=False``; nothing when both sizes are equal.

    A whole-numbered enlargement is one Resize with constant scales. Any other ratio is a product with a matrix per
    axis: a scale such as 16 / 3 is no float, and a Resize by sizes would bring Shape arithmetic into the graph.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, size: Size, target: Size) -> None:
        super().__init__()
        self.size, self.target = size, target
        self.identity = size == target
        self.whole = all(new % old == 0 for old, new in zip(size, target, strict=True))
        if not self.identity and not self.whole:
            self.register_buffer("rows", torch.from_numpy(bilinear_matrix(size[0], target[0])), persistent=False)
            columns = torch.from_numpy(bilinear_matrix(size[1], target[1])).T.contiguous()
            self.register_buffer("columns", columns, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, *size) -> (batch, channels, *target), float32."""
        if self.identity:
            return x
        if self.whole:
            scale = [float(new // old) for old, new in zip(self.size, self.target, strict=True)]
            return F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
        return self.rows @ (x @ self.columns)

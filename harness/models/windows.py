"""Attention inside windows over maps of any number of axes, written to export well: shared by images and videos.

Tokens stay two-dimensional, (batch * tokens of a map, channels), wherever no window is needed: a linear layer then
exports as one Gemm, and no constant depends on the batch.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models.folding import FoldingModule
from harness.models.geometry import (
    WindowGrid,
    padded_size,
    partition_index,
    relative_position_index,
    reverse_index,
    shift_mask,
)
from harness.models.padding import pad_ends


class WindowLayout(nn.Module):
    """Cuts maps of one size into windows and puts them back; shared by all blocks that use the same grid."""

    forward_index: Tensor
    backward_index: Tensor
    mask: Tensor | None

    def __init__(self, grid: WindowGrid) -> None:
        super().__init__()
        self.grid = grid
        self.register_buffer("forward_index", torch.from_numpy(partition_index(grid)), persistent=False)
        self.register_buffer("backward_index", torch.from_numpy(reverse_index(grid)), persistent=False)
        mask = torch.from_numpy(shift_mask(grid)).unsqueeze(1) if grid.shifted else None
        self.register_buffer("mask", mask, persistent=False)

    def partition(self, tokens: Tensor, channels: int) -> Tensor:
        """(batch * tokens of a map, channels) -> (batch * windows * tokens of a window, channels)."""
        maps = tokens.reshape(-1, self.grid.tokens, channels)
        maps = pad_ends(maps, (0, int(self.grid.needs_padding), 0))
        return maps.index_select(1, self.forward_index).reshape(-1, channels)

    def reverse(self, windows: Tensor, channels: int) -> Tensor:
        """(..., channels) in the order of windows -> (batch * tokens of a map, channels), padding dropped."""
        tokens = windows.reshape(-1, self.grid.windows * self.grid.window_tokens, channels)
        return tokens.index_select(1, self.backward_index).reshape(-1, channels)


class WindowMSA(FoldingModule):
    """Multi-head self-attention inside windows, with a learned bias for each relative position.

    ``window`` is what the bias table was made for. The windows of a layout may hold fewer ``tokens``, where a map is
    smaller than a window: the first rows and columns of the table's index then count, as in Video Swin's code.
    """

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, window: tuple[int, ...], tokens: int) -> None:
        super().__init__()
        self.channels, self.heads, self.tokens = channels, heads, tokens
        index = torch.from_numpy(relative_position_index(window))
        self.relative_position_bias_table = nn.Parameter(torch.zeros(int(index.max()) + 1, heads))
        self.register_buffer("relative_position_index", index)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def derive(self) -> dict[str, Tensor]:
        """The query, key and value projections apart, queries scaled, and the bias of each head for each pair.

        Three products that land where they are used cost less than one whose result has to be split (about a tenth of
        the first stage's time on ONNX Runtime 1.31).
        """
        tokens, scale = self.tokens, (self.channels // self.heads) ** -0.5
        index = self.relative_position_index[:tokens, :tokens]
        bias = self.relative_position_bias_table[index.reshape(-1)]
        query_weight, key_weight, value_weight = torch.chunk(self.qkv.weight, 3)
        query_bias, key_bias, value_bias = torch.chunk(self.qkv.bias, 3)
        return {
            "query_weight": query_weight * scale,
            "query_bias": query_bias * scale,
            "key_weight": key_weight,
            "key_bias": key_bias,
            "value_weight": value_weight,
            "value_bias": value_bias,
            "position_bias": bias.reshape(tokens, tokens, self.heads).permute(2, 0, 1),
        }

    def forward(self, tokens: Tensor, layout: WindowLayout) -> Tensor:
        """(batch * tokens of a map, channels) -> the same shape."""
        mixed = self._attend(layout.partition(tokens, self.channels), layout)
        # Put back before the projection: it then runs on the map's tokens only, not on the padding.
        projected: Tensor = self.proj(layout.reverse(mixed, self.channels))
        return projected

    def _attend(self, windows: Tensor, layout: WindowLayout) -> Tensor:
        """(batch * windows * tokens, channels) -> (batch * windows, tokens, heads, size of a head), before ``proj``."""
        tokens, heads, constants = self.tokens, self.heads, self.constants()

        def project(role: str) -> Tensor:
            projected = F.linear(windows, constants[f"{role}_weight"], constants[f"{role}_bias"])
            return projected.reshape(-1, tokens, heads, self.channels // heads).transpose(1, 2)

        scores = project("query") @ project("key").transpose(2, 3) + constants["position_bias"]
        if layout.mask is not None:
            scores = scores.reshape(-1, layout.grid.windows, heads, tokens, tokens) + layout.mask
            scores = scores.reshape(-1, heads, tokens, tokens)
        mixed: Tensor = scores.softmax(dim=3) @ project("value")
        return mixed.transpose(1, 2)


class HalvingMerge(FoldingModule):
    """Halves the height and width of maps: each 2 x 2 tokens become one of twice the channels; odd maps are padded.

    The merged channels stand in the order (row, column, channel), which moves contiguous memory; ``order`` says how the
    weights of ``norm`` and ``reduction``, which a subclass makes, have to be reordered for that.
    """

    norm: nn.LayerNorm
    reduction: nn.Linear

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.channels, self.size = channels, size

    @property
    def target(self) -> tuple[int, int]:
        """Height and width of the result."""
        return padded_size(self.size[0], 2) // 2, padded_size(self.size[1], 2) // 2

    @abstractmethod
    def order(self) -> Tensor:
        """int64 (4 * channels,): for each value of (row, column, channel), its place among the weights' inputs."""

    def derive(self) -> dict[str, Tensor]:
        """The weights in the order (row, column, channel)."""
        order = self.order()
        return {
            "norm_weight": self.norm.weight[order],
            "norm_bias": self.norm.bias[order],
            "reduction": self.reduction.weight[:, order],
        }

    def forward(self, tokens: Tensor) -> Tensor:
        """(maps * height * width, channels) -> (maps * height/2 * width/2, 2 * channels), sizes rounded up."""
        (height, width), (rows, columns), wide = self.size, self.target, 4 * self.channels
        constants = self.constants()
        maps = tokens.reshape(-1, height, width, self.channels)
        maps = pad_ends(maps, (0, 2 * rows - height, 2 * columns - width, 0))
        merged = maps.reshape(-1, 2, columns, wide // 2).transpose(1, 2).reshape(-1, wide)
        normed = F.layer_norm(merged, (wide,), constants["norm_weight"], constants["norm_bias"], self.norm.eps)
        return F.linear(normed, constants["reduction"])

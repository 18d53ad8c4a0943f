"""The Swin Transformer backbone in two dimensions, written to export well.

Parameters carry the names and shapes of mmsegmentation 0.30, so its checkpoints load unchanged. The arithmetic is that
of Liu et al. 2021 (arXiv:2103.14030) with OpenMMLab's padding. Tokens stay two-dimensional, (batch * height * width,
channels), wherever no window is needed: a linear layer then exports as one Gemm, and no constant depends on the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

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
from harness.models.resample import Size


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
        mask = torch.from_numpy(shift_mask(grid)).unsqueeze(1) if grid.shift else None
        self.register_buffer("mask", mask, persistent=False)

    def partition(self, tokens: Tensor, channels: int) -> Tensor:
        """(batch * height * width, channels) -> (batch * windows * window * window, channels)."""
        grid = self.grid
        maps = tokens.reshape(-1, grid.height * grid.width, channels)
        maps = pad_ends(maps, (0, int(grid.needs_padding), 0))
        return maps.index_select(1, self.forward_index).reshape(-1, channels)

    def reverse(self, windows: Tensor, channels: int) -> Tensor:
        """(..., channels) in the order of windows -> (batch * height * width, channels), padding dropped."""
        grid = self.grid
        tokens = windows.reshape(-1, grid.windows * grid.window**2, channels)
        return tokens.index_select(1, self.backward_index).reshape(-1, channels)


class WindowMSA(FoldingModule):
    """Multi-head self-attention inside windows, with a learned bias for each relative position."""

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.channels, self.heads, self.window = channels, heads, window
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.register_buffer("relative_position_index", torch.from_numpy(relative_position_index(window)))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def derive(self) -> dict[str, Tensor]:
        """The query, key and value projections apart, queries scaled, and the bias of each head for each pair.

        Three products that land where they are used cost less than one whose result has to be split (about a tenth of
        the first stage's time on ONNX Runtime 1.31).
        """
        tokens, scale = self.window**2, (self.channels // self.heads) ** -0.5
        bias = self.relative_position_bias_table[self.relative_position_index.reshape(-1)]
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

    def forward(self, windows: Tensor, layout: WindowLayout) -> Tensor:
        """(batch * windows * tokens, channels) -> (batch * windows, tokens, heads, size of a head), before ``proj``."""
        tokens, heads, constants = self.window**2, self.heads, self.constants()

        def project(role: str) -> Tensor:
            projected = F.linear(windows, constants[f"{role}_weight"], constants[f"{role}_bias"])
            return projected.reshape(-1, tokens, heads, self.channels // heads).transpose(1, 2)

        scores = project("query") @ project("key").transpose(2, 3) + constants["position_bias"]
        if layout.mask is not None:
            scores = scores.reshape(-1, layout.grid.windows, heads, tokens, tokens) + layout.mask
            scores = scores.reshape(-1, heads, tokens, tokens)
        mixed: Tensor = scores.softmax(dim=3) @ project("value")
        return mixed.transpose(1, 2)


class ShiftWindowMSA(nn.Module):
    """Attention inside the windows of one grid: cut, attend, put back."""

    def __init__(self, channels: int, heads: int, layout: WindowLayout) -> None:
        super().__init__()
        self.channels, self.layout = channels, layout
        self.w_msa = WindowMSA(channels, heads, layout.grid.window)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch * height * width, channels) -> the same shape."""
        mixed = self.w_msa(self.layout.partition(tokens, self.channels), self.layout)
        # Put back before the projection: it then runs on the map's tokens only, not on the padding.
        projected: Tensor = self.w_msa.proj(self.layout.reverse(mixed, self.channels))
        return projected


class FeedForward(nn.Module):
    """Two linear layers with GELU between them; the nesting gives mmcv's parameter names."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Sequential(nn.Linear(channels, hidden), nn.GELU()), nn.Linear(hidden, channels))

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., channels) -> the same shape."""
        result: Tensor = self.layers(tokens)
        return result


class SwinBlock(nn.Module):
    """Window attention and a feed-forward layer, each behind a layer norm and beside a shortcut."""

    def __init__(self, channels: int, heads: int, mlp_ratio: float, layout: WindowLayout) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = ShiftWindowMSA(channels, heads, layout)
        self.norm2 = nn.LayerNorm(channels)
        self.ffn = FeedForward(channels, int(mlp_ratio * channels))

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch * height * width, channels) -> the same shape."""
        tokens = tokens + self.attn(self.norm1(tokens))
        result: Tensor = tokens + self.ffn(self.norm2(tokens))
        return result


class PatchMerging(FoldingModule):
    """Halves a map: each 2 x 2 tokens become one of twice the channels. An odd map is padded with zeros.

    mmsegmentation unfolds in the order (channel, row, column); here the merged channels stand in the order (row,
    column, channel), which moves contiguous memory, and the weights are reordered to match.
    """

    def __init__(self, channels: int, size: Size) -> None:
        super().__init__()
        self.channels, self.size = channels, size
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    @property
    def target(self) -> Size:
        """Height and width of the result."""
        return padded_size(self.size[0], 2) // 2, padded_size(self.size[1], 2) // 2

    def derive(self) -> dict[str, Tensor]:
        """The weights in the order (row, column, channel)."""
        order = torch.arange(4 * self.channels).reshape(self.channels, 4).T.reshape(-1)
        return {
            "norm_weight": self.norm.weight[order],
            "norm_bias": self.norm.bias[order],
            "reduction": self.reduction.weight[:, order],
        }

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch * height * width, channels) -> (batch * height/2 * width/2, 2 * channels), sizes rounded up."""
        (height, width), (rows, columns), wide = self.size, self.target, 4 * self.channels
        constants = self.constants()
        maps = tokens.reshape(-1, height, width, self.channels)
        maps = pad_ends(maps, (0, 2 * rows - height, 2 * columns - width, 0))
        merged = maps.reshape(-1, 2, columns, wide // 2).transpose(1, 2).reshape(-1, wide)
        normed = F.layer_norm(merged, (wide,), constants["norm_weight"], constants["norm_bias"], self.norm.eps)
        return F.linear(normed, constants["reduction"])


class SwinStage(nn.Module):
    """Blocks at one resolution, every second one shifted by half a window, and the merging that follows them."""

    def __init__(
        self, channels: int, size: Size, *, depth: int, heads: int, window: int, mlp_ratio: float, merge: bool
    ) -> None:
        super().__init__()
        plain = WindowLayout(WindowGrid(*size, window))
        shifted = WindowLayout(WindowGrid(*size, window, window // 2))
        self.blocks = nn.ModuleList(
            SwinBlock(channels, heads, mlp_ratio, shifted if index % 2 else plain) for index in range(depth)
        )
        self.downsample = PatchMerging(channels, size) if merge else None

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch * height * width, channels) -> the same shape; ``downsample`` is the caller's."""
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


class PatchEmbed(nn.Module):
    """Cuts the image into patches and projects each to a token; the image is padded to whole patches."""

    def __init__(self, channels: int, patch: int, image: Size) -> None:
        super().__init__()
        self.channels = channels
        self.size = (padded_size(image[0], patch) // patch, padded_size(image[1], patch) // patch)
        self.padding = (0, 0, self.size[0] * patch - image[0], self.size[1] * patch - image[1])
        self.projection = nn.Conv2d(3, channels, patch, patch)
        self.norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 3, height, width) -> (batch * rows * columns, channels)."""
        maps = self.projection(pad_ends(image, self.padding))
        tokens: Tensor = self.norm(maps.permute(0, 2, 3, 1).reshape(-1, self.channels))
        return tokens


class SwinTransformer(nn.Module):
    """Four stages over an image of fixed size; each stage's map leaves through its own layer norm."""

    def __init__(
        self,
        image: Size,
        *,
        embed_dims: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        window_size: int,
        mlp_ratio: float,
        patch_size: int = 4,
    ) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(embed_dims, patch_size, image)
        self.stages = nn.ModuleList()
        self.sizes: list[Size] = []
        size, last = self.patch_embed.size, len(depths) - 1
        for index, (depth, heads) in enumerate(zip(depths, num_heads, strict=True)):
            channels = embed_dims * 2**index
            stage = SwinStage(
                channels, size, depth=depth, heads=heads, window=window_size, mlp_ratio=mlp_ratio, merge=index < last
            )
            self.stages.append(stage)
            self.add_module(f"norm{index}", nn.LayerNorm(channels))
            self.sizes.append(size)
            size = stage.downsample.target if stage.downsample is not None else size

    def forward(self, image: Tensor) -> list[Tensor]:
        """(batch, 3, height, width) float32 -> one (batch, channels, rows, columns) map per stage."""
        tokens, maps = self.patch_embed(image), []
        for index, (height, width) in enumerate(self.sizes):
            stage = cast("SwinStage", self.stages[index])
            tokens = stage(tokens)
            normed = self.get_submodule(f"norm{index}")(tokens)
            maps.append(normed.reshape(-1, height, width, normed.shape[1]).permute(0, 3, 1, 2))
            if stage.downsample is not None:
                tokens = stage.downsample(tokens)
        return maps

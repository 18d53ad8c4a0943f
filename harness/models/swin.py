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

from harness.models.geometry import (
    WindowGrid,
    padded_size,
    partition_index,
    relative_position_index,
    reverse_index,
    shift_mask,
)
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
        if grid.needs_padding:
            maps = F.pad(maps, (0, 0, 0, 1))
        return maps.index_select(1, self.forward_index).reshape(-1, channels)

    def reverse(self, windows: Tensor, channels: int) -> Tensor:
        """(..., channels) in the order of windows -> (batch * height * width, channels), padding dropped."""
        grid = self.grid
        tokens = windows.reshape(-1, grid.windows * grid.window**2, channels)
        return tokens.index_select(1, self.backward_index).reshape(-1, channels)


class WindowMSA(nn.Module):
    """Multi-head self-attention inside windows, with a learned bias for each relative position.

    ``fold_constants`` replaces what follows from the weights alone (the gathered biases with the mask added, the scaled
    query projection) by constants; without it they are computed on every call, always from the current weights.
    """

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.channels, self.heads, self.window = channels, heads, window
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.register_buffer("relative_position_index", torch.from_numpy(relative_position_index(window)))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def position_bias(self) -> Tensor:
        """The bias of each head for each pair of tokens, (heads, tokens, tokens)."""
        tokens = self.window**2
        bias = self.relative_position_bias_table[self.relative_position_index.reshape(-1)]
        return bias.reshape(tokens, tokens, self.heads).permute(2, 0, 1).contiguous()

    def forward(self, windows: Tensor, layout: WindowLayout) -> Tensor:
        """(batch * windows * tokens, channels) -> (batch * windows, tokens, heads, size of a head), before ``proj``."""
        tokens, heads, size = self.window**2, self.heads, self.channels // self.heads
        qkv: Tensor = self.qkv(windows).reshape(-1, tokens, 3 * heads, size).transpose(1, 2)
        query, key, value = torch.split(qkv, heads, dim=1)
        scores = (query * size**-0.5) @ key.transpose(2, 3) + self.position_bias()
        if layout.mask is not None:
            scores = scores.reshape(-1, layout.grid.windows, heads, tokens, tokens) + layout.mask
            scores = scores.reshape(-1, heads, tokens, tokens)
        mixed: Tensor = scores.softmax(dim=3) @ value
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


class PatchMerging(nn.Module):
    """Halves a map: each 2 x 2 tokens become one of twice the channels. An odd map is padded with zeros.

    mmsegmentation unfolds channel by channel (channel, row, column); here the merged channels stand in the order (row,
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

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch * height * width, channels) -> (batch * height/2 * width/2, 2 * channels), sizes rounded up."""
        (height, width), (rows, columns), channels = self.size, self.target, self.channels
        maps = tokens.reshape(-1, height, width, channels)
        if (height, width) != (2 * rows, 2 * columns):
            maps = F.pad(maps, (0, 0, 0, 2 * columns - width, 0, 2 * rows - height))
        merged = maps.reshape(-1, rows, 2, columns, 2 * channels).transpose(2, 3).reshape(-1, 4 * channels)
        order = torch.arange(4 * channels).reshape(channels, 4).T.reshape(-1)
        normed = F.layer_norm(merged, (4 * channels,), self.norm.weight[order], self.norm.bias[order], self.norm.eps)
        return F.linear(normed, self.reduction.weight[:, order])


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
        self.padding = (0, self.size[1] * patch - image[1], 0, self.size[0] * patch - image[0])
        self.projection = nn.Conv2d(3, channels, patch, patch)
        self.norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 3, height, width) -> (batch * rows * columns, channels)."""
        if any(self.padding):
            image = F.pad(image, self.padding)
        maps = self.projection(image)
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

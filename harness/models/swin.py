"""The Swin Transformer backbone in two dimensions, written to export well.

Parameters carry the names and shapes of mmsegmentation 0.30, so its checkpoints load unchanged. The arithmetic is that
of Liu et al. 2021 (arXiv:2103.14030) with OpenMMLab's padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from harness.models.geometry import WindowGrid, padded_size
from harness.models.padding import pad_ends
from harness.models.resample import Size
from harness.models.windows import HalvingMerge, WindowLayout, WindowMSA


class ShiftWindowMSA(nn.Module):
    """Attention inside the windows of one grid; the nesting gives mmsegmentation's parameter names."""

    def __init__(self, channels: int, heads: int, layout: WindowLayout) -> None:
        super().__init__()
        self.layout = layout
        self.w_msa = WindowMSA(channels, heads, layout.grid.window, layout.grid.window_tokens)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch * height * width, channels) -> the same shape."""
        mixed: Tensor = self.w_msa(tokens, self.layout)
        return mixed


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


class PatchMerging(HalvingMerge):
    """Halves a map, with mmsegmentation's weights: it unfolds in the order (channel, row, column)."""

    def __init__(self, channels: int, size: Size) -> None:
        super().__init__(channels, size)
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def order(self) -> Tensor:
        """Where the values of (row, column, channel) stand among those of (channel, row, column)."""
        return torch.arange(4 * self.channels).reshape(self.channels, 4).T.reshape(-1)


class SwinStage(nn.Module):
    """Blocks at one resolution, every second one shifted by half a window, and the merging that follows them."""

    def __init__(
        self, channels: int, size: Size, *, depth: int, heads: int, window: int, mlp_ratio: float, merge: bool
    ) -> None:
        super().__init__()
        square = (window, window)
        plain = WindowLayout(WindowGrid(size, square, (0, 0)))
        shifted = WindowLayout(WindowGrid(size, square, (window // 2, window // 2)))
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

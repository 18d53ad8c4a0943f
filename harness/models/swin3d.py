"""Video Swin: the Swin Transformer in three dimensions with the I3D head, written to export well.

Parameters carry the names and shapes of the Video-Swin-Transformer repository (commit db018fb), so its checkpoints load
unchanged. The arithmetic is that of Liu et al. 2021 (arXiv:2106.13230): windows over time, height and width, clipped
and not shifted along an axis on which the map is no larger than a window.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.models.geometry import WindowGrid, padded_size
from harness.models.padding import pad_ends
from harness.models.windows import HalvingMerge, WindowLayout, WindowMSA

Size3 = tuple[int, int, int]
"""Frames, height and width."""


def clipped_grid(size: Size3, window: Size3, *, shifted: bool) -> WindowGrid:
    """Windows over a map of ``size`` tokens, no larger than the map; shifted by half a window where there is room."""
    clipped = tuple(map(min, size, window))
    shift = tuple(side // 2 if shifted and tokens > side else 0 for tokens, side in zip(size, window, strict=True))
    return WindowGrid(size, clipped, shift)


class MLP(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.gelu = nn.GELU()
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., channels) -> the same shape."""
        result: Tensor = self.fc2(self.gelu(self.fc1(tokens)))
        return result


class VideoBlock(nn.Module):
    """Window attention and a feed-forward layer, each behind a layer norm and beside a shortcut."""

    def __init__(self, channels: int, heads: int, mlp_ratio: float, window: Size3, layout: WindowLayout) -> None:
        super().__init__()
        self.layout = layout
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowMSA(channels, heads, window, layout.grid.window_tokens)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = MLP(channels, int(mlp_ratio * channels))

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch * frames * height * width, channels) -> the same shape."""
        tokens = tokens + self.attn(self.norm1(tokens), self.layout)
        result: Tensor = tokens + self.mlp(self.norm2(tokens))
        return result


class VideoMerging(HalvingMerge):
    """Halves height and width, frame by frame, with Video Swin's weights: it joins in the order (column, row)."""

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__(channels, size)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def order(self) -> Tensor:
        """Where the values of (row, column, channel) stand among those of (column, row, channel)."""
        return torch.arange(4 * self.channels).reshape(2, 2, self.channels).transpose(0, 1).reshape(-1)


class VideoStage(nn.Module):
    """Blocks at one resolution, every second one shifted, and the merging that follows them."""

    def __init__(
        self, channels: int, size: Size3, *, depth: int, heads: int, window: Size3, mlp_ratio: float, merge: bool
    ) -> None:
        super().__init__()
        plain = WindowLayout(clipped_grid(size, window, shifted=False))
        shifted = WindowLayout(clipped_grid(size, window, shifted=True))
        self.blocks = nn.ModuleList(
            VideoBlock(channels, heads, mlp_ratio, window, shifted if index % 2 else plain) for index in range(depth)
        )
        self.downsample = VideoMerging(channels, size[1:]) if merge else None

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch * frames * height * width, channels) -> the tokens of the next stage."""
        for block in self.blocks:
            tokens = block(tokens)
        return tokens if self.downsample is None else self.downsample(tokens)


class PatchEmbed3D(nn.Module):
    """Cuts the video into blocks and projects each to a token; the video is padded to whole blocks."""

    def __init__(self, channels: int, patch: Size3, video: Size3) -> None:
        super().__init__()
        self.channels = channels
        padded = tuple(map(padded_size, video, patch))
        self.size: Size3 = (padded[0] // patch[0], padded[1] // patch[1], padded[2] // patch[2])
        self.padding = (0, 0, *(after - before for before, after in zip(video, padded, strict=True)))
        self.proj = nn.Conv3d(3, channels, patch, patch)
        self.norm = nn.LayerNorm(channels)

    def forward(self, video: Tensor) -> Tensor:
        """(batch, 3, frames, height, width) -> (batch * tokens, channels)."""
        maps = self.proj(pad_ends(video, self.padding))
        tokens: Tensor = self.norm(maps.permute(0, 2, 3, 4, 1).reshape(-1, self.channels))
        return tokens


class SwinTransformer3D(nn.Module):
    """The stages over a video of fixed size, each but the last followed by a merging."""

    def __init__(
        self,
        video: Size3,
        *,
        embed_dims: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        patch_size: Size3,
        window_size: Size3,
        mlp_ratio: float,
    ) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed3D(embed_dims, patch_size, video)
        self.layers = nn.ModuleList()
        frames, *plane = self.patch_embed.size
        for index, (depth, heads) in enumerate(zip(depths, num_heads, strict=True)):
            size = (frames, plane[0], plane[1])
            stage = VideoStage(
                embed_dims * 2**index,
                size,
                depth=depth,
                heads=heads,
                window=window_size,
                mlp_ratio=mlp_ratio,
                merge=index < len(depths) - 1,
            )
            self.layers.append(stage)
            plane = list(stage.downsample.target) if stage.downsample is not None else plane
        self.channels = embed_dims * 2 ** (len(depths) - 1)
        self.tokens = frames * plane[0] * plane[1]
        self.norm = nn.LayerNorm(self.channels)

    def forward(self, video: Tensor) -> Tensor:
        """(batch, 3, frames, height, width) float32 -> (batch, tokens, channels), normed."""
        tokens = self.patch_embed(video)
        for stage in self.layers:
            tokens = stage(tokens)
        normed: Tensor = self.norm(tokens)
        return normed.reshape(-1, self.tokens, self.channels)


class I3DHead(nn.Module):
    """Averages over time and space and classifies; dropout acts in training only."""

    def __init__(self, channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.fc_cls = nn.Linear(channels, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, tokens, channels) -> (batch, classes) logits."""
        logits: Tensor = self.fc_cls(self.dropout(tokens.mean(dim=1)))
        return logits


class VideoSwin(nn.Module):
    """Video Swin with its head: all views of some videos in, the logits of each view out."""

    batch_free = True  # the export may trace a single view

    def __init__(
        self,
        video: Size3,
        *,
        embed_dims: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        patch_size: Size3,
        window_size: Size3,
        mlp_ratio: float,
        num_classes: int,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.video = video
        self.backbone = SwinTransformer3D(
            video,
            embed_dims=embed_dims,
            depths=depths,
            num_heads=num_heads,
            patch_size=patch_size,
            window_size=window_size,
            mlp_ratio=mlp_ratio,
        )
        self.cls_head = I3DHead(self.backbone.channels, num_classes, dropout)

    def forward(self, views: Tensor) -> Tensor:
        """(batch, views, 3, frames, height, width) float32 -> (batch * views, classes) float32 logits."""
        logits: Tensor = self.cls_head(self.backbone(views.reshape(-1, 3, *self.video)))
        return logits

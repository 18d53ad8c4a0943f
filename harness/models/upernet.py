"""The UPerNet decode head and the segmentor around it, written to export well.

Parameters carry the names and shapes of mmsegmentation 0.30 (``UPerHead``, ``EncoderDecoder``); the arithmetic is that
of Xiao et al. 2018 (arXiv:1807.10221) with pyramid pooling at the top. The auxiliary head of training is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from harness.models.resample import BilinearResize, FixedAveragePool, Size
from harness.models.swin import SwinTransformer

POOL_BINS = (1, 2, 3, 6)
"""Sides of the pooled maps of pyramid pooling, in mmsegmentation's order."""


class ConvModule(nn.Module):
    """Convolution without bias, batch norm and ReLU, under mmcv's names; the size of the map is kept."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels_in, height, width) -> (batch, channels_out, height, width)."""
        return torch.relu(self.bn(self.conv(x)))


class UPerHead(nn.Module):
    """Merges the maps of a backbone from the smallest to the largest and classifies each position of the largest."""

    def __init__(self, channels_in: Sequence[int], sizes: Sequence[Size], channels: int, classes: int) -> None:
        super().__init__()
        top = sizes[-1]
        self.conv_seg = nn.Conv2d(channels, classes, 1)
        self.psp_modules = nn.ModuleList(
            nn.Sequential(
                FixedAveragePool(channels_in[-1], top, bins),
                ConvModule(channels_in[-1], channels, 1),
                BilinearResize((bins, bins), top),
            )
            for bins in POOL_BINS
        )
        self.bottleneck = ConvModule(channels_in[-1] + len(POOL_BINS) * channels, channels, 3)
        self.lateral_convs = nn.ModuleList(ConvModule(width, channels, 1) for width in channels_in[:-1])
        self.fpn_convs = nn.ModuleList(ConvModule(channels, channels, 3) for _ in channels_in[:-1])
        self.fpn_bottleneck = ConvModule(len(channels_in) * channels, channels, 3)
        self.enlarge = nn.ModuleList(BilinearResize(small, large) for large, small in pairwise(sizes))
        self.to_largest = nn.ModuleList(BilinearResize(size, sizes[0]) for size in sizes)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """One (batch, channels, height, width) map per stage, largest first -> (batch, classes, height, width)."""
        pooled = torch.cat([maps[-1], *(module(maps[-1]) for module in self.psp_modules)], dim=1)
        merged = [convolve(level) for convolve, level in zip(self.lateral_convs, maps[:-1], strict=True)]
        merged.append(self.bottleneck(pooled))
        for level in range(len(merged) - 1, 0, -1):
            merged[level - 1] = merged[level - 1] + self.enlarge[level - 1](merged[level])
        refined = [convolve(level) for convolve, level in zip(self.fpn_convs, merged[:-1], strict=True)]
        refined.append(merged[-1])
        enlarged = [resize(level) for resize, level in zip(self.to_largest, refined, strict=True)]
        logits: Tensor = self.conv_seg(self.fpn_bottleneck(torch.cat(enlarged, dim=1)))
        return logits


class UPerNetSwin(nn.Module):
    """Swin and UPerNet: an image in, the logits of each class for each pixel out (``encode_decode``)."""

    batch_free = True  # the export may trace a single sample

    def __init__(
        self,
        image: Size,
        *,
        embed_dims: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        window_size: int,
        mlp_ratio: float,
        decode_channels: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.backbone = SwinTransformer(
            image,
            embed_dims=embed_dims,
            depths=depths,
            num_heads=num_heads,
            window_size=window_size,
            mlp_ratio=mlp_ratio,
        )
        channels = [embed_dims * 2**index for index in range(len(depths))]
        self.decode_head = UPerHead(channels, self.backbone.sizes, decode_channels, num_classes)
        self.to_image = BilinearResize(self.backbone.sizes[0], image)

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 3, height, width) float32 -> (batch, classes, height, width) float32 logits."""
        logits: Tensor = self.to_image(self.decode_head(self.backbone(image)))
        return logits

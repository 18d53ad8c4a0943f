"""``SwinTransformer3D`` for an mmaction2 that has none; depends on torch alone, Python 3.7 on.

Arguments, parameter names and shapes are those of the Video-Swin-Transformer repository (commit db018fb), so that its
configurations and checkpoints work; the arithmetic is that of Liu et al. 2021 (arXiv:2106.13230).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Size = Tuple[int, int, int]


def windows_of(tokens: Tensor, side: Size) -> Tensor:
    """(batch, d, h, w, channels) -> (batch * windows, tokens of a window, channels)."""
    batch, d, h, w, channels = (int(size) for size in tokens.shape)
    cut = tokens.reshape(batch, d // side[0], side[0], h // side[1], side[1], w // side[2], side[2], channels)
    return cut.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(-1, side[0] * side[1] * side[2], channels)


def joined(windows: Tensor, side: Size, size: Size) -> Tensor:
    """The inverse of ``windows_of`` for a map of ``size``."""
    counts = [whole // part for whole, part in zip(size, side)]
    channels = int(windows.shape[-1])
    grid = windows.reshape(-1, *counts, *side, channels).permute(0, 1, 4, 2, 5, 3, 6, 7)
    return grid.reshape(-1, *size, channels)


@lru_cache(maxsize=None)
def barriers(size: Size, side: Size, shift: Size) -> Tensor:
    """What is added to scores between tokens that a cyclic shift brought together: (windows, tokens, tokens)."""
    regions = torch.zeros((1, *size, 1))
    for axis, (length, window, step) in enumerate(zip(size, side, shift)):
        places = torch.arange(length)
        part = (places >= length - window).long() + (places >= length - step).long() * (1 if step else 0)
        shape = [1] * 5
        shape[axis + 1] = length
        regions = regions * 3 + part.reshape(shape)
    flat = windows_of(regions, side).squeeze(-1)
    return (flat[:, None, :] != flat[:, :, None]).float() * -100.0


class Attention(nn.Module):
    """Attention within a window, with a learned bias for each relative place."""

    relative_position_index: Tensor

    def __init__(self, channels: int, window: Size, heads: int, qkv_bias: bool, qk_scale: Any) -> None:
        super().__init__()
        self.window, self.heads = window, heads
        self.scale = qk_scale or (channels // heads) ** -0.5
        spans = [2 * side - 1 for side in window]
        self.relative_position_bias_table = nn.Parameter(torch.zeros(spans[0] * spans[1] * spans[2], heads))
        places = torch.ones(window).nonzero().t()
        apart = (places[:, :, None] - places[:, None, :]).permute(1, 2, 0) + torch.tensor(window) - 1
        index = (apart * torch.tensor([spans[1] * spans[2], spans[2], 1])).sum(-1)
        self.register_buffer("relative_position_index", index)
        self.qkv = nn.Linear(channels, 3 * channels, bias=qkv_bias)
        self.proj = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor, mask: Any) -> Any:
        """(windows, tokens, channels) -> the same; ``mask`` is (windows of a sample, tokens, tokens) or None."""
        windows, count, channels = (int(size) for size in tokens.shape)
        q, k, v = self.qkv(tokens).reshape(windows, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * self.scale) @ k.transpose(-2, -1)
        index = self.relative_position_index[:count, :count].reshape(-1)
        bias = self.relative_position_bias_table[index].reshape(count, count, -1).permute(2, 0, 1)
        scores = scores + bias.unsqueeze(0)
        if mask is not None:
            apart = scores.reshape(-1, len(mask), self.heads, count, count) + mask.unsqueeze(1).unsqueeze(0)
            scores = apart.reshape(-1, self.heads, count, count)
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(windows, count, channels))


class MLP(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def forward(self, tokens: Tensor) -> Any:
        """(..., channels) -> the same shape."""
        return self.fc2(F.gelu(self.fc1(tokens)))


class Block(nn.Module):
    """Window attention and a feed-forward layer, each behind a layer norm and beside a shortcut."""

    def __init__(self, channels: int, window: Size, heads: int, shifted: bool, options: Any) -> None:
        super().__init__()
        self.window, self.shifted = window, shifted
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attn = Attention(channels, window, heads, options["qkv_bias"], options["qk_scale"])
        self.mlp = MLP(channels, int(channels * options["mlp_ratio"]))

    def forward(self, tokens: Tensor) -> Any:
        """(batch, d, h, w, channels) -> the same shape."""
        size = tuple(int(length) for length in tokens.shape[1:4])
        side = tuple(min(length, window) for length, window in zip(size, self.window))
        shift = tuple(w // 2 if self.shifted and length > w else 0 for length, w in zip(size, self.window))
        ends = [(-length) % part for length, part in zip(size, side)]
        padded = tuple(length + end for length, end in zip(size, ends))
        inner = F.pad(self.norm1(tokens), (0, 0, 0, ends[2], 0, ends[1], 0, ends[0]))
        moves = any(shift)
        if moves:
            inner = torch.roll(inner, tuple(-step for step in shift), (1, 2, 3))
        mask = barriers(padded, side, shift).to(tokens.device) if moves else None
        inner = joined(self.attn(windows_of(inner, side), mask), side, padded)  # type: ignore[arg-type]
        if moves:
            inner = torch.roll(inner, shift, (1, 2, 3))
        tokens = tokens + inner[:, : size[0], : size[1], : size[2]]
        return tokens + self.mlp(self.norm2(tokens))


class Merging(nn.Module):
    """Halves height and width, frame by frame, and doubles the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, tokens: Tensor) -> Any:
        """(batch, d, h, w, channels) -> (batch, d, h / 2, w / 2, 2 * channels), rounded up."""
        tokens = F.pad(tokens, (0, 0, 0, int(tokens.shape[3]) % 2, 0, int(tokens.shape[2]) % 2))
        parts = [tokens[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(parts, -1)))


class Stage(nn.Module):
    """Blocks at one resolution, every second one shifted, and the merging that follows them."""

    def __init__(self, channels: int, depth: int, heads: int, window: Size, merges: bool, options: Any) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(channels, window, heads, at % 2 == 1, options) for at in range(depth)])
        self.downsample = Merging(channels) if merges else None

    def forward(self, tokens: Tensor) -> Any:
        """(batch, d, h, w, channels) -> the tokens of the next stage."""
        for block in self.blocks:
            tokens = block(tokens)
        return tokens if self.downsample is None else self.downsample(tokens)


class Patches(nn.Module):
    """Cuts the video into blocks, padded to whole ones, and projects each to a token."""

    def __init__(self, channels: int, patch: Size, in_channels: int, normed: bool) -> None:
        super().__init__()
        self.patch = patch
        self.proj = nn.Conv3d(in_channels, channels, patch, patch)
        self.norm = nn.LayerNorm(channels) if normed else None

    def forward(self, video: Tensor) -> Any:
        """(batch, channels, frames, height, width) -> (batch, d, h, w, channels)."""
        d, h, w = ((-int(length)) % part for length, part in zip(video.shape[2:], self.patch))
        tokens = self.proj(F.pad(video, (0, w, 0, h, 0, d))).permute(0, 2, 3, 4, 1)
        return tokens if self.norm is None else self.norm(tokens)


class SwinTransformer3D(nn.Module):
    """The backbone; arguments that matter in training only are taken and ignored."""

    def __init__(
        self,
        patch_size: Size = (4, 4, 4),
        in_chans: int = 3,
        embed_dim: int = 96,
        depths: Sequence[int] = (2, 2, 6, 2),
        num_heads: Sequence[int] = (3, 6, 12, 24),
        window_size: Size = (2, 7, 7),
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        qk_scale: Any = None,
        patch_norm: bool = False,
        **training: Any,
    ) -> None:
        super().__init__()
        del training
        options = {"mlp_ratio": mlp_ratio, "qkv_bias": qkv_bias, "qk_scale": qk_scale}
        self.patch_embed = Patches(embed_dim, tuple(patch_size), in_chans, patch_norm)  # type: ignore[arg-type]
        last = len(depths) - 1
        window: Any = tuple(window_size)
        self.layers = nn.ModuleList(
            [
                Stage(embed_dim * 2**at, depth, heads, window, at < last, options)
                for at, (depth, heads) in enumerate(zip(depths, num_heads))
            ]
        )
        self.norm = nn.LayerNorm(embed_dim * 2**last)

    def init_weights(self, pretrained: Any = None) -> None:
        """Nothing: the weights come afterwards."""

    def forward(self, video: Tensor) -> Any:
        """(batch, channels, frames, height, width) -> (batch, channels, d, h, w), normed."""
        tokens = self.patch_embed(video)
        for stage in self.layers:
            tokens = stage(tokens)
        return self.norm(tokens).permute(0, 4, 1, 2, 3)

"""Weights and inputs that follow from names and numbers alone: the recipe behind the golden logits."""

from __future__ import annotations

import zlib

import numpy as np
import torch

TINY = {
    "embed_dims": 24,
    "depths": [2, 2, 2, 2],
    "num_heads": [1, 2, 4, 8],
    "decode_channels": 32,
}
"""The network behind the golden logits; give it an image_size."""

MINUTE = {
    "image_size": 32,
    "embed_dims": 8,
    "depths": [2, 2],
    "num_heads": [1, 2],
    "decode_channels": 8,
    "num_classes": 5,
}
"""The smallest network that pads, shifts, merges and pools: maps of 8 x 8 and 4 x 4 tokens, windows of 7."""


MINUTE_VIDEO = {
    "frames": 6,
    "image_size": 32,
    "embed_dims": 8,
    "depths": [2, 2],
    "num_heads": [1, 2],
    "patch_size": [2, 4, 4],
    "window_size": [2, 3, 3],
    "num_classes": 5,
}
"""The smallest video network that pads and shifts along every axis: maps of 3 x 8 x 8 and 3 x 4 x 4 tokens."""


def recipe_weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A state dict whose every tensor follows from its own name."""
    state = {}
    for name, tensor in module.state_dict().items():
        if name.endswith(("relative_position_index", "num_batches_tracked")):
            continue
        shape = tuple(tensor.shape)
        values = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
        if name.endswith("running_var"):
            values = np.abs(values) * 0.1 + 1
        elif name.endswith("weight") and len(shape) == 1:
            values = 1 + 0.1 * values
        elif len(shape) > 1 and not name.endswith("bias_table"):
            values = values / np.sqrt(np.prod(shape[1:]))
        else:
            values = 0.1 * values
        state[name] = torch.from_numpy(values.astype(np.float32))
    return state


def recipe_input(case: int, shape: tuple[int, ...], seed: int = 100) -> torch.Tensor:
    """The input of golden case ``case``; those of videos begin at ``seed`` 200."""
    return torch.from_numpy(np.random.RandomState(seed + case).standard_normal(shape).astype(np.float32))

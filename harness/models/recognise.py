"""Saying what network a checkpoint is of, from the names and shapes of its parameters: for error messages only."""

from __future__ import annotations

import re
from collections.abc import Mapping

Shapes = Mapping[str, tuple[int, ...]]

BLOCK = re.compile(r"(?:backbone\.)?(?:stages|layers)\.(\d+)\.blocks\.(\d+)\.")
"""A block of a Swin Transformer: OpenMMLab says ``stages``, the authors' code ``layers``."""


def recognise(shapes: Shapes) -> str | None:
    """A phrase such as ``UPerNet with Swin, embed_dims=96, depths=[2, 2, 18, 2]``; None when nothing is obvious."""
    blocks: dict[int, int] = {}
    for name in shapes:
        match = BLOCK.match(name)
        if match:
            stage, block = int(match[1]), int(match[2])
            blocks[stage] = max(blocks.get(stage, 0), block + 1)
    if blocks:
        return _swin(shapes, [blocks[stage] for stage in sorted(blocks)])
    if any(re.match(r"(?:backbone\.)?layer\d\.\d+\.conv\d\.weight", name) for name in shapes):
        return "a ResNet"
    if any("cls_token" in name for name in shapes):
        return "a Vision Transformer"
    return None


def _swin(shapes: Shapes, depths: list[int]) -> str:
    """Name a Swin Transformer by what its shapes say."""
    facts = []
    patch = next((shape for name, shape in shapes.items() if re.search(r"patch_embed\.proj\w*\.weight$", name)), None)
    if patch is not None:
        facts.append(f"embed_dims={patch[0]}")
    facts.append(f"depths={depths}")
    table = next((shape for name, shape in shapes.items() if name.endswith("relative_position_bias_table")), None)
    side = round(table[0] ** 0.5) if table else 0
    if table and side**2 == table[0]:
        facts.append(f"window_size={(side + 1) // 2}")
    classes = shapes.get("decode_head.conv_seg.weight") or shapes.get("cls_head.fc_cls.weight")
    if classes is not None:
        facts.append(f"num_classes={classes[0]}")
    if patch is not None and len(patch) == 5:
        kind = "Video Swin"
    elif any(name.startswith("decode_head.psp_modules") for name in shapes):
        kind = "UPerNet with Swin"
    else:
        kind = "Swin Transformer without UPerNet"
    return f"{kind}, {', '.join(facts)}"

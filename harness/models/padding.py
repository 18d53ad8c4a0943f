"""Padding with zeros by amounts that are known when the network is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


class _ZeroPad(torch.autograd.Function):
    """``F.pad`` that exports as one Pad node; the exporter's own form brings ten nodes of arithmetic on the amounts."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ends: Sequence[int]) -> Tensor:
        ctx.kept = tuple(slice(size) for size in x.shape)
        return F.pad(x, [amount for end in reversed(ends) for amount in (0, end)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient[ctx.kept], None

    @staticmethod
    def symbolic(graph: Any, x: Any, ends: Sequence[int]) -> Any:
        amounts = graph.op("Constant", value_t=torch.tensor([0] * len(ends) + list(ends)))
        return graph.op("Pad", x, amounts, mode_s="constant")


def pad_ends(x: Tensor, ends: Sequence[int]) -> Tensor:
    """``x`` with ``ends[i]`` zeros appended along axis i; exports at opset 11 and newer."""
    if not any(ends):
        return x
    padded: Tensor = _ZeroPad.apply(x, tuple(ends))  # type: ignore[no-untyped-call]
    return padded

"""What torch's TorchScript exporters from 1.8 on lack for OpenMMLab's networks; depends on torch alone, Python 3.7 on.

That is what ``mmcv.onnx.register_extra_symbolics`` and ``revert_sync_batchnorm`` were for. Functions are replaced while
a graph is traced instead of symbolics, whose interface differs from one torch to the next.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any, Iterator, List


def plain_norms(torch: Any, module: Any) -> Any:
    """SyncBatchNorm, which runs on GPUs only, as batch norms of any rank with the same parameters."""
    norm = torch.nn.modules.batchnorm

    class AnyBatchNorm(norm._BatchNorm):  # type: ignore[misc, name-defined]
        """Takes inputs of any rank."""

        def _check_input_dim(self, _: Any) -> None:
            return

    if "SyncBatchNorm" in type(module).__name__:
        made = AnyBatchNorm(module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats)
        made.load_state_dict(module.state_dict())
        return made
    for name, child in module.named_children():
        module.add_module(name, plain_norms(torch, child))
    return module


def halves(size: int, cells: int) -> List[Any]:
    """Where the cells of an adaptive pooling begin and end (PyTorch's rule)."""
    return [(cell * size // cells, -(-(cell + 1) * size // cells)) for cell in range(cells)]


def adaptive(reduce: Any, single: Any, axes: int) -> Any:
    """An adaptive pooling out of slices, axis by axis; ``reduce`` and ``single`` pool one axis in part and whole."""

    def pool(data: Any, output_size: Any, return_indices: bool = False) -> Any:
        del return_indices
        wanted = [output_size] * axes if isinstance(output_size, int) else list(output_size)
        for axis, cells in zip(range(-axes, 0), wanted):
            size = int(data.shape[axis])
            if cells is None or int(cells) == size:
                continue
            parts = [reduce(data.narrow(axis, start, end - start), axis) for start, end in halves(size, int(cells))]
            data = parts[0] if len(parts) == 1 else single(parts, axis)
        return data

    return pool


@contextlib.contextmanager
def gaps_filled(torch: Any, opset: int) -> Iterator[None]:
    """Replace, while a graph is traced, what torch's exporters from 1.8 on lack, by operations that all of them have.

    That is what ``mmcv.onnx.register_extra_symbolics`` was for; functions are replaced instead of symbolics, whose
    interface differs from one torch to the next.
    """
    functional = torch.nn.functional

    def mean(part: Any, axis: int) -> Any:
        return part.mean(axis, keepdim=True)

    def largest(part: Any, axis: int) -> Any:
        return part.max(axis, keepdim=True)[0]

    def roll(data: Any, shifts: Any, dims: Any = None) -> Any:
        if dims is None or dims == ():
            return roll(data.reshape(-1), shifts, 0).reshape(data.shape)
        both = zip([shifts], [dims]) if isinstance(dims, int) else zip(shifts, dims)
        for shift, axis in both:
            size = int(data.shape[axis])
            cut = -int(shift) % size
            if cut:
                data = torch.cat([data.narrow(axis, cut, size - cut), data.narrow(axis, 0, cut)], dim=axis)
        return data

    def unfold(data: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
        (kh, kw), (dh, dw), (ph, pw), (sh, sw) = (
            (each, each) if isinstance(each, int) else each for each in (kernel_size, dilation, padding, stride)
        )
        data = functional.pad(data, (pw, pw, ph, ph))
        batch, channels, height, width = (int(size) for size in data.shape)
        rows, columns = (height - dh * (kh - 1) - 1) // sh + 1, (width - dw * (kw - 1) - 1) // sw + 1
        parts = [
            data[:, :, y * dh : y * dh + sh * (rows - 1) + 1 : sh, x * dw : x * dw + sw * (columns - 1) + 1 : sw]
            for y in range(kh)
            for x in range(kw)
        ]
        return torch.stack(parts, dim=2).reshape(batch, channels * kh * kw, rows * columns)

    def unflatten(data: Any, dim: int, sizes: Any) -> Any:
        shape = [int(size) for size in data.shape]
        at = dim % len(shape)
        return data.reshape(shape[:at] + [int(size) for size in sizes] + shape[at + 1 :])

    def attend(query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, **rest: Any) -> Any:
        del dropout_p, rest
        scores = query @ key.transpose(-2, -1) / math.sqrt(int(query.shape[-1]))
        return torch.softmax(scores if attn_mask is None else scores + attn_mask, dim=-1) @ value

    replaced = [(torch, "roll", roll), (torch.Tensor, "roll", roll), (functional, "unfold", unfold)]
    if opset < 13 and hasattr(torch.Tensor, "unflatten"):
        replaced.append((torch.Tensor, "unflatten", unflatten))
    for axes in (1, 2, 3):
        replaced.append((functional, "adaptive_avg_pool{}d".format(axes), adaptive(mean, torch.cat, axes)))
        replaced.append((functional, "adaptive_max_pool{}d".format(axes), adaptive(largest, torch.cat, axes)))
    if opset < 14 and hasattr(functional, "scaled_dot_product_attention"):
        replaced.append((functional, "scaled_dot_product_attention", attend))
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in replaced]
    try:
        for owner, name, function in replaced:
            setattr(owner, name, function)
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)

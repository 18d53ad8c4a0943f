"""What a user can say of how torch runs a network: ``backend.options``."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from harness.config.values import SCHEMA, Count


@dataclass(config=SCHEMA)
class TorchOptions:
    """How torch runs the network; all of it is part of a row's fingerprint.

    ``compile``: with torch.compile, for the static shapes, in ``compile_mode``; compiling is part of loading.
    ``tf32``: whether float32 matrices and convolutions on the GPU may be rounded to TF32 (10 bits of mantissa).
    ``cudnn_benchmark``: whether cuDNN tries its algorithms and takes the fastest. ``threads`` 0 is torch's own choice.
    """

    compile: bool = False
    compile_mode: Literal["default", "reduce-overhead", "max-autotune"] = "default"
    tf32: bool = False
    cudnn_benchmark: bool = False
    channels_last: bool = False
    threads: Count = 0

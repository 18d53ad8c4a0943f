"""A backend that loads its runtime when it is imported, which its contract forbids."""

from __future__ import annotations

import onnxruntime  # noqa: F401

from harness.backends.onnx_runtime import OnnxRuntimeBackend


class Loud(OnnxRuntimeBackend):
    """ONNX Runtime, imported too early."""

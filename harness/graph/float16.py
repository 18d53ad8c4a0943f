"""An ONNX file in float16, for runtimes that take their types from the file (TensorRT 11)."""

from __future__ import annotations

from pathlib import Path


def write_float16(source: Path, target: Path) -> None:
    """Write a copy whose weights and products are float16; inputs and outputs stay float32.

    By ONNX Runtime's converter: operators that have no float16 (its block list: Resize, NonMaxSuppression, ...) stay in
    float32 between casts, and values beyond float16's range are clipped to it.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(str(source))
    onnx.save(convert_float_to_float16(model, keep_io_types=True, disable_shape_infer=False), str(target))

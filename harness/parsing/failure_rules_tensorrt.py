"""How failures of TensorRT and of an NVIDIA GPU look in a log; each with outcome, reason code and hint.

Sources: ``samples/common`` and ``samples/trtexec`` of TensorRT 7 to 11 (what trtexec itself says), onnx-tensorrt's
``ModelImporter.cpp`` (what its parser says), and logs in issues of NVIDIA/TensorRT (what the library says).
"""

from __future__ import annotations

from harness.parsing.failure_rules import rule

TENSORRT = (
    rule(
        "unsupported",
        "operator_unsupported",
        "operator",
        r"While parsing node number[^\n]*\n(?:[^\n]*\n){0,6}?[^\n]*(?:Plugin not found|No importer registered)"
        r"|Plugin not found, are the plugin name, version, and namespace correct|could not find plugin:? ?\w+",
        "TensorRT has no layer for the operator named: export with another opset, rewrite the node, update TensorRT, "
        "or give the plug-in's library with backend.options.build_args",
    ),
    rule(
        "failed",
        "engine_incompatible",
        "model",
        r"engine plan file is (?:not compatible|generated on an incompatible)|Version tag does not match"
        r"|Magic tag does not match|magicTagRead",
        "an engine belongs to the TensorRT version and the GPU that built it: build it again here, from the ONNX file",
    ),
    rule(
        "failed",
        "engine_unreadable",
        "model",
        r"Error opening engine file|Could not open engine file",
        "the engine file is not there or cannot be read: build it again",
    ),
    rule(
        "failed",
        "input_size_mismatch",
        "input",
        r"Unexpected file size for input file",
        "write the input with the engine's shape and type: its bytes must equal the tensor's",
    ),
    rule(
        "failed",
        "device_not_found",
        "device",
        r"no CUDA-capable device|invalid device ordinal|Cannot find (?:any available devices|device ID)",
        "name a GPU that exists: nvidia-smi -L lists them; a container needs --gpus all",
    ),
    rule(
        "failed",
        "driver_error",
        "device",
        r"CUDA driver version is insufficient|CUDA initialization failure",
        "the NVIDIA driver is missing, stopped or too old for this CUDA: nvidia-smi shows its version and the newest "
        "CUDA that it takes",
    ),
)

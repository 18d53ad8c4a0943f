"""What TensorRT and its ONNX parser say when they fail, and the reason that each is given."""

from __future__ import annotations

import pytest

from harness.parsing.failures import classify
from harness.parsing.trtexec_times import parse_times

FAILED = "&&&& FAILED TensorRT.trtexec [TensorRT v8601] # trtexec --onnx=net.onnx\n"


@pytest.mark.parametrize(
    ("outcome", "reason", "text"),
    [
        (
            "oom",
            "device_out_of_memory",
            (
                "[05/27/2023-17:01:36] [E] [TRT] 1: [defaultAllocator.cpp::nvinfer1::internal::DefaultAllocator::"
                "allocate::19] Error Code 1: Cuda Runtime (out of memory)\n"
            ),
        ),
        (
            "oom",
            "device_out_of_memory",
            (
                "[W] [TRT] Requested amount of GPU memory (17920000000 bytes) could not be allocated. There may not be "
                "enough free memory for allocation to succeed.\n"
            ),
        ),
        (
            "failed",
            "engine_incompatible",
            (
                "[E] [TRT] 1: [stdArchiveReader.cpp::StdArchiveReaderInitCommon::46] Error Code 1: Serialization "
                "(Serialization assertion stdVersionRead == serializationVersion failed.Version tag does not match. "
                "Note: Current Version: 236, Serialized Engine Version: 237)\n[E] Engine deserialization failed\n"
            ),
        ),
        (
            "failed",
            "engine_incompatible",
            (
                "[E] Error[6]: The engine plan file is not compatible with this version of TensorRT, expecting library "
                "version 10.0.1.6 got 8.6.1.6, please rebuild.\n"
            ),
        ),
        (
            "failed",
            "engine_incompatible",
            (
                "[E] [TRT] 6: The engine plan file is generated on an incompatible device, expecting compute 8.6 got "
                "compute 7.5, please rebuild.\n"
            ),
        ),
        (
            "unsupported",
            "operator_unsupported",
            (
                '[E] [TRT] ModelImporter.cpp:773: While parsing node number 3 [NonZero -> "x"]:\n[E] [TRT] --- Begin '
                "node ---\n[E] [TRT] ModelImporter.cpp:779: ERROR: builtin_op_importers.cpp:5428 In function "
                "importFallbackPluginImporter:\n[8] Assertion failed: creator && "
                '"Plugin not found, are the plugin name, version, and namespace correct?"\n'
                "[E] Failed to parse onnx file\n"
            ),
        ),
        ("failed", "engine_unreadable", "[E] Error opening engine file: net.engine\n"),
        ("failed", "device_not_found", "Cannot find any available devices (GPUs)!\n"),
        ("failed", "driver_error", "[E] [TRT] 6: [cudaDriverHelpers] CUDA initialization failure with error: 35\n"),
        (
            "failed",
            "input_size_mismatch",
            "[E] Unexpected file size for input file: x.bin. Expected: 64 bytes but got: 48 bytes\n",
        ),
        ("failed", "usage_error", "[E] Unknown option: --fp16 \n"),
    ],
)
def test_how_tensorrt_fails(outcome: str, reason: str, text: str) -> None:
    failure = classify(text + FAILED, 1)
    assert failure is not None
    assert (failure.outcome, failure.reason) == (outcome, reason)
    assert "npu-smi" not in failure.hint or "nvidia-smi" in failure.hint


def test_an_operator_that_it_lacks_is_named() -> None:
    text = '[E] [TRT] ModelImporter.cpp:773: While parsing node number 3 [NonZero -> "x"]:\n[8] Plugin not found'
    failure = classify(text + "\n" + FAILED, 1)
    assert failure is not None
    assert "NonZero" in failure.message


def test_the_time_to_start_a_query() -> None:
    record = '{ "startEnqMs" : 1.5, "endEnqMs" : 2, "computeMs" : 4 }'
    assert parse_times(f"[ {record} , {record} ]").enqueue_ms == (0.5, 0.5)
    assert parse_times(f'[ {record} , {{ "computeMs" : 4 }} ]').enqueue_ms == ()
